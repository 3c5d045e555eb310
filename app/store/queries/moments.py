"""Moments: date-times (RFC 3339), and seconds since 1970-01-01 UTC."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.store.queries.view import Field

# The first and last second of the years 1 to 9999 in UTC.
_FIRST, _LAST = (
    int(moment.replace(tzinfo=UTC).timestamp()) for moment in (datetime.min, datetime.max.replace(microsecond=0))
)

NO_MOMENT = "The time is not within the years 1 to 9999 (UTC), or is a leap second."
"""The message for a date-time that can't be stored."""

LIVE_AT = "live_at"
"""The filter of rows that have not expired at a moment, in seconds since 1970-01-01 UTC."""


def moment_field(column: sa.Column[int]) -> Field:
    """The field of a column with a moment in seconds."""
    return Field("string", lambda: column, lambda wanted: column == wanted, bound=seconds_of)


def live_field(expires: sa.Column[int]) -> Field:
    """The field of `LIVE_AT`. :param expires: the column with the expiry time; 0 for never"""
    return Field("integer", lambda: expires, lambda moment: sa.or_(expires == 0, expires > moment))


def seconds_of(moment: str) -> int | None:
    """Convert a date-time (RFC 3339) to seconds since 1970-01-01 UTC; None if it is not representable."""
    try:
        seconds = int(datetime.fromisoformat(moment.upper()).timestamp())
    except (ValueError, OverflowError):
        # A leap second, for example.
        return None
    return seconds if _FIRST <= seconds <= _LAST else None


def moment_of(seconds: int) -> str:
    """Convert seconds since 1970-01-01 UTC to a date-time (RFC 3339), the nearest one within the years 1 to 9999."""
    return datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def in_utc(moment: str) -> str:
    """A date-time in UTC, as it is stored; unchanged if it is not representable."""
    try:
        return written(datetime.fromisoformat(moment.upper()))
    except (ValueError, OverflowError):
        return moment


def written(moment: datetime) -> str:
    """A moment as a date-time in UTC, with microseconds unless there are none."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
