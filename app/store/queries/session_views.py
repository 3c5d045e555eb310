"""The view of the sessions of users: columns, filters and sort keys."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from app.store.queries.dialects import line_feed, literal
from app.store.queries.moments import seconds_of
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, column_field, text
from app.store.schema.tables import objects, sessions

USERNAME = "user__username"
"""The property of a session with the username of its user."""

LIVE_AT = "live_at"
"""The filter of sessions that have not expired at a moment, in seconds since 1970-01-01 UTC."""


class SessionRow(NamedTuple):
    """The session of a user.

    :param last_used: seconds since 1970-01-01 UTC
    :param expires: seconds since 1970-01-01 UTC
    """

    uuid: str
    user: str
    last_ip: str
    last_user_agent: str
    last_used: int
    expires: int


_COLUMNS = (
    sessions.c.uuid,
    sessions.c.user,
    sessions.c.address,
    sessions.c.agent,
    sessions.c.used,
    sessions.c.expires,
)


def session_view(searched: Sequence[str] = ()) -> View:
    """The sessions in which a user has logged in. :param searched: the searched properties"""
    fields = session_fields()
    source = sessions.join(objects, objects.c.pk == sessions.c.user)
    found: sa.ColumnElement[str] = literal("")
    for name in searched:
        found = found + sa.func.upper(fields[name].key(), type_=sa.Text()) + line_feed()
    is_live = Field("integer", lambda: sessions.c.expires, lambda moment: sessions.c.expires > moment)
    return View(source, sessions.c.uuid, _COLUMNS, {**fields, LIVE_AT: is_live}, found)


def session_fields() -> dict[str, Field]:
    """The filters of sessions."""
    return {
        "uuid": column_field(sessions.c.uuid),
        "last_ip": column_field(sessions.c.address),
        "last_user_agent": column_field(sessions.c.agent),
        "last_used": _moment_field(sessions.c.used),
        "expires": _moment_field(sessions.c.expires),
        "user": Field("string", lambda: sessions.c.user, lambda wanted: sessions.c.user == wanted, bound=key_of),
        USERNAME: Field("string", lambda: objects.c.name, lambda wanted: objects.c.name == wanted, bound=text),
    }


def _moment_field(column: sa.Column[int]) -> Field:
    return Field("string", lambda: column, lambda wanted: column == wanted, bound=seconds_of)
