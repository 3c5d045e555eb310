"""Consents of users to applications. Each pair has at most one, the last."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import determinism
from app.store.collections.rows import ExpiringRows
from app.store.engine.database import Database
from app.store.queries.consent_views import ConsentRow, consent_row, consent_view
from app.store.queries.moments import live_field
from app.store.schema.tables import consents


class Consents(ExpiringRows[ConsentRow]):
    """The consents of a database.

    :param database: the database
    :param searched: the searched properties
    :param owner: see `Rows`
    """

    def __init__(self, database: Database, searched: Sequence[str], owner: str) -> None:
        super().__init__(database, consent_view(searched), consent_row, consents.c.pk, owner=owner)
        compiled = database.compile
        of_both = (consents.c.user == sa.bindparam("user_"), consents.c.application == sa.bindparam("application_"))
        is_live = live_field(consents.c.expires).equals(sa.bindparam("now_"))
        self._permissions = compiled(sa.select(consents.c.permissions).where(*of_both, is_live))
        self._delete_of_both = compiled(sa.delete(consents).where(*of_both))
        columns = (column.name for column in consents.c if column.name != "pk")
        self._insert = compiled(sa.insert(consents).values({name: sa.bindparam(f"new_{name}") for name in columns}))

    def permissions(self, user: str, application: str) -> str | None:
        """The permissions that a user has consented to, separated by spaces; None without a consent."""
        now = int(determinism.now())
        with self._database.read() as session:
            row = session.row(self._permissions, {"user_": user, "application_": application, "now_": now})
        return None if row is None else str(row[0])

    def keep(self, user: str, application: str, permissions: str, expires: int) -> None:
        """Store a consent in place of an earlier one.

        :param permissions: the identifiers of the permissions, separated by spaces
        :param expires: seconds since 1970-01-01 UTC; 0 for never
        """
        with self._database.write() as session:
            session.run(self._delete_of_both, {"user_": user, "application_": application})
            row = {"user": user, "application": application, "permissions": permissions, "expires": expires}
            session.run(self._insert, {f"new_{name}": value for name, value in row.items()})
