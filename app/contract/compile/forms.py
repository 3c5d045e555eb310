"""Conversion of values that another version has stored in another form (`x-other-form`)."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

_MINUTES: dict[str, int] = {"weeks": 10_080, "days": 1_440, "hours": 60, "minutes": 1}
_PER_MINUTE: dict[str, int] = {"seconds": 60, "milliseconds": 60_000, "microseconds": 60_000_000}
_PART = re.compile(r"\s*(\w+)\s*=\s*(-?\d+(?:\.\d+)?)\s*")


def form_of(other: str, kind: str, *, nullable: bool, accepts: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """The function that converts a stored value to the form of a property.

    :param other: the value of `x-other-form`
    :param kind: the type of the property (JSON Schema)
    :param nullable: whether it may be null
    :param accepts: whether requests accept a value of the property
    """
    if other == "minutes":
        return _as_minutes if kind == "integer" else partial(_as_duration, accepts)
    return _as_null if nullable else _as_blank


def _as_minutes(value: Any) -> Any:
    """Convert a duration to a number of minutes, rounded down; parts in other units are ignored."""
    if not isinstance(value, str):
        return value
    minutes = 0.0
    for part in value.split(";"):
        if found := _PART.fullmatch(part):
            unit, number = found[1], float(found[2])
            minutes += number * _MINUTES[unit] if unit in _MINUTES else number / _PER_MINUTE.get(unit, float("inf"))
    return int(max(-(2.0**31), min(minutes, 2.0**31 - 1)) // 1)


def _as_duration(accepts: Callable[[Any], bool], value: Any) -> Any:
    """Convert a number of minutes to a duration, in days and minutes if requests do not accept as many minutes."""
    if type(value) is not int:
        return value
    if accepts(duration := f"minutes={value}"):
        return duration
    days, minutes = divmod(abs(value), _MINUTES["days"])
    sign = "-" if value < 0 else ""
    return f"days={sign}{days};minutes={sign}{minutes}"


def _as_null(value: Any) -> Any:
    return None if value == "" else value


def _as_blank(value: Any) -> Any:
    return "" if value is None else value
