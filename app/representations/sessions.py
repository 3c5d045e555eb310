"""The representation of sessions of users."""

from typing import Any

from app.store.queries.moments import moment_of
from app.store.queries.session_views import SessionRow

# Programs and systems are not recognized.
_OTHER = "Other"
_VERSION = dict.fromkeys(("major", "minor", "patch"))


def session(row: SessionRow) -> dict[str, Any]:
    """A session, not marked as the client's own."""
    return {
        "uuid": row.pk,
        "current": False,
        "user_agent": {
            "string": row.last_user_agent,
            "user_agent": {"family": _OTHER, **_VERSION},
            "os": {"family": _OTHER, **_VERSION, "patch_minor": None},
            "device": {"family": _OTHER, "brand": None, "model": None},
        },
        "geo_ip": None,
        "asn": None,
        "user": int(row.user),
        "last_ip": row.last_ip,
        "last_user_agent": row.last_user_agent,
        "last_used": moment_of(row.last_used),
        "expires": moment_of(row.expires),
    }


def current_session(row: SessionRow) -> dict[str, Any]:
    """The session of the client itself."""
    return {**session(row), "current": True}
