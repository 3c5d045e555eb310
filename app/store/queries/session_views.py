"""The view of the sessions of users: columns, filters and sort keys."""

from collections.abc import Sequence
from typing import NamedTuple

from app.store.queries.moments import LIVE_AT, live_field, moment_field
from app.store.queries.references import key_of
from app.store.queries.view import Field, View, column_field, searched_text
from app.store.schema.tables import objects, sessions

USERNAME = "user__username"
"""The property of a session with the username of its user."""


class SessionRow(NamedTuple):
    """The session of a user.

    :param pk: the property `uuid`
    :param last_used: seconds since 1970-01-01 UTC
    :param expires: seconds since 1970-01-01 UTC
    """

    pk: str
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
    fields_of_rows = {**fields, LIVE_AT: live_field(sessions.c.expires)}
    return View(source, sessions.c.uuid, _COLUMNS, fields_of_rows, searched_text(fields, searched))


def session_fields() -> dict[str, Field]:
    """The filters of sessions."""
    return {
        "uuid": column_field(sessions.c.uuid),
        "last_ip": column_field(sessions.c.address),
        "last_user_agent": column_field(sessions.c.agent),
        "last_used": moment_field(sessions.c.used),
        "expires": moment_field(sessions.c.expires),
        "user": Field("string", lambda: sessions.c.user, lambda wanted: sessions.c.user == wanted, bound=key_of),
        USERNAME: column_field(objects.c.name),
    }
