"""Durations of authentik, such as `hours=1;minutes=30`."""

from datetime import timedelta

# The arguments of `timedelta`.
_UNITS = frozenset({"microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks"})
_SECOND = timedelta(seconds=1)
# Ten years, in seconds: dates after the year 9999 can't be written, and no browser keeps a cookie that long.
_LONGEST = 10 * 365 * 86400


def seconds_of(duration: str) -> int:
    """A duration in whole seconds, at most ten years. Parts in unknown units are ignored; the contract admits numbers only."""
    total = 0.0
    for part in duration.split(";"):
        unit, _, number = part.partition("=")
        if unit.strip().lower() in _UNITS:
            total += timedelta(**{unit.strip().lower(): float(number)}) / _SECOND
    return int(max(-_LONGEST, min(total, _LONGEST)))
