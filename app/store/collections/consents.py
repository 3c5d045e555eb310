"""Consents: each of a user to an application. Only the last one of both is kept."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import determinism, errors
from app.store.engine.database import Database
from app.store.queries.consent_views import CONSENT_REFERENCES, LIVE_AT, ConsentRow, consent_view
from app.store.queries.listing import Listing, Page, PageRequest
from app.store.queries.references import References, key_of
from app.store.schema.tables import consents


class Consents:
    """The consents of a database, without those that have expired.

    An *owner* is the key of a user, to select that user's consents; None for all consents.

    :param database: the database
    :param searched: the searched properties
    """

    def __init__(self, database: Database, searched: Sequence[str]) -> None:
        self._database = database
        self._references = References(database)
        view = consent_view(searched)
        self._listing = Listing(database, view, ConsentRow._make)
        compiled = database.compile
        found = sa.select(*view.columns).select_from(view.source)
        by_key = consents.c.pk == sa.bindparam("pk_")
        of_both = (consents.c.user == sa.bindparam("user_"), consents.c.application == sa.bindparam("application_"))
        self._get = compiled(found.where(by_key))
        self._of_both = compiled(found.where(*of_both))
        self._delete = compiled(sa.delete(consents).where(by_key))
        self._delete_of_both = compiled(sa.delete(consents).where(*of_both))
        columns = (name for name in ConsentRow._fields if name != "pk")
        self._insert = compiled(sa.insert(consents).values({name: sa.bindparam(f"new_{name}") for name in columns}))

    def page(self, request: PageRequest, owner: str | None) -> Page[ConsentRow]:
        """A page of consents, see `Listing.page`. :raises InvalidChoice: a filter refers to a missing object"""
        with self._database.read() as session:
            named = {name: reference for name, reference in CONSENT_REFERENCES.items() if name in request.filters}
            self._references.check(session, named, request.filters)
        filters = {**request.filters, LIVE_AT: int(determinism.now())}
        if owner is not None and key_of(filters.setdefault("user", owner)) != owner:
            return Page(0, [])
        return self._listing.page(request._replace(filters=filters))

    def get(self, pk: int, owner: str | None) -> ConsentRow:
        """Get a consent. :raises NotFound: there is none, or another user has given it"""
        with self._database.read() as session:
            row = session.row(self._get, {"pk_": pk}) if -(2**31) <= pk < 2**31 else None
        consent = None if row is None else _living(ConsentRow._make(row))
        if consent is None or (owner is not None and consent.user != owner):
            raise errors.NotFound
        return consent

    def of(self, user: str, application: str) -> ConsentRow | None:
        """The consent of a user to an application, None if there is none."""
        with self._database.read() as session:
            row = session.row(self._of_both, {"user_": user, "application_": application})
        return None if row is None else _living(ConsentRow._make(row))

    def keep(self, user: str, application: str, permissions: str, expires: int) -> None:
        """Store a consent in place of an earlier one.

        :param permissions: the identifiers of the permissions, separated by spaces
        :param expires: seconds since 1970-01-01 UTC; 0 for never
        """
        with self._database.write() as session:
            session.run(self._delete_of_both, {"user_": user, "application_": application})
            row = {"user": user, "application": application, "permissions": permissions, "expires": expires}
            session.run(self._insert, {f"new_{name}": value for name, value in row.items()})

    def remove(self, pk: int, owner: str | None) -> None:
        """Delete a consent. :raises NotFound: there is none, or another user has given it"""
        self.get(pk, owner)
        with self._database.write() as session:
            session.run(self._delete, {"pk_": pk})


def _living(row: ConsentRow) -> ConsentRow | None:
    return row if row.expires == 0 or row.expires > determinism.now() else None
