"""Sessions as objects of the contract: each belongs to a user, and is visible to that user and superusers."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import determinism, errors
from app.domain import SortKey
from app.store.engine.database import Database
from app.store.queries.listing import Listing, Page, PageRequest
from app.store.queries.session_views import LIVE_AT, USERNAME, SessionRow, session_view
from app.store.schema.tables import sessions


class OwnedSessions:
    """The sessions of the users of a database, without those that have expired.

    An *owner* is the key of a user, to select that user's sessions; None for all sessions.

    :param database: the database
    :param searched: the searched properties
    """

    def __init__(self, database: Database, searched: Sequence[str]) -> None:
        self._database = database
        view = session_view(searched)
        self._listing = Listing(database, view, SessionRow._make)
        found = sa.select(*view.columns).select_from(view.source)
        by_uuid = sessions.c.uuid == sa.bindparam("uuid_")
        is_live = sessions.c.expires > sa.bindparam("now_")
        self._get = database.compile(found.where(by_uuid, is_live))
        self._delete = database.compile(sa.delete(sessions).where(by_uuid))

    def page(self, request: PageRequest, owner: str | None) -> Page[SessionRow]:
        """A page of sessions, see `Listing.page`. Those that are equal in all sort keys follow by username."""
        filters = {**request.filters, LIVE_AT: int(determinism.now())}
        if owner is not None:
            filters["user"] = owner
        return self._listing.page(request._replace(filters=filters, ordering=(*request.ordering, SortKey(USERNAME))))

    def get(self, uuid: str, owner: str | None) -> SessionRow:
        """Get a session. :raises NotFound: there is none, or another user owns it"""
        with self._database.read() as session:
            row = session.row(self._get, {"uuid_": uuid, "now_": int(determinism.now())})
        if row is None or (owner is not None and SessionRow._make(row).user != owner):
            raise errors.NotFound
        return SessionRow._make(row)

    def remove(self, uuid: str, owner: str | None) -> None:
        """End a session. :raises NotFound: there is none, or another user owns it"""
        self.get(uuid, owner)
        with self._database.write() as session:
            session.run(self._delete, {"uuid_": uuid})
