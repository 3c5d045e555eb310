"""Forms of stored values: how a version shows a value that another version has stored in another form (`x-other-form`)."""

import re
from collections.abc import Callable
from typing import Any

_MINUTES: dict[str, int] = {"weeks": 10_080, "days": 1_440, "hours": 60, "minutes": 1}
_PER_MINUTE: dict[str, int] = {"seconds": 60, "milliseconds": 60_000, "microseconds": 60_000_000}
# Of eight digits, as the schema `Duration` has it.
_MOST_MINUTES = 99_999_999
_PART = re.compile(r"\s*(\w+)\s*=\s*(-?\d+(?:\.\d+)?)\s*")


def form_of(other: str, kind: str, *, nullable: bool) -> Callable[[Any], Any]:
    """The function that converts a stored value to the form of a property.

    :param other: the value of `x-other-form`
    :param kind: the type of the property (JSON Schema)
    :param nullable: whether it may be null
    """
    if other == "minutes":
        return _as_minutes if kind == "integer" else _as_duration
    return _as_null if nullable else _as_blank


def _as_minutes(value: Any) -> Any:
    """A duration as a number of minutes, rounded down; parts in other units count as nothing."""
    if not isinstance(value, str):
        return value
    minutes = 0.0
    for part in value.split(";"):
        if found := _PART.fullmatch(part):
            unit, number = found[1], float(found[2])
            minutes += number * _MINUTES[unit] if unit in _MINUTES else number / _PER_MINUTE.get(unit, float("inf"))
    return int(max(-(2.0**31), min(minutes, 2.0**31 - 1)) // 1)


def _as_duration(value: Any) -> Any:
    """A number of minutes as a duration; in days, too, if it has more digits than a duration may have."""
    if type(value) is not int:
        return value
    if abs(value) <= _MOST_MINUTES:
        return f"minutes={value}"
    days, minutes = divmod(abs(value), _MINUTES["days"])
    sign = "-" if value < 0 else ""
    return f"days={sign}{days};minutes={sign}{minutes}"


def _as_null(value: Any) -> Any:
    return None if value == "" else value


def _as_blank(value: Any) -> Any:
    return "" if value is None else value
