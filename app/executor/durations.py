"""Durations of authentik, such as `hours=1;minutes=30`."""

from datetime import timedelta

# The arguments of `timedelta`.
_UNITS = frozenset({"microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks"})


def seconds_of(duration: str) -> int:
    """A duration in whole seconds. Parts in unknown units are ignored; the contract admits numbers only."""
    total = timedelta()
    for part in duration.split(";"):
        unit, _, number = part.partition("=")
        if unit.strip().lower() in _UNITS:
            total += timedelta(**{unit.strip().lower(): float(number)})
    return int(total.total_seconds())
