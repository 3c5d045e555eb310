"""Sessions of users as objects of the contract."""

from collections.abc import Sequence

from app.domain import SortKey
from app.store.collections.rows import ExpiringRows
from app.store.engine.database import Database
from app.store.queries.listing import Page, PageRequest
from app.store.queries.session_views import USERNAME, SessionRow, session_view
from app.store.schema.tables import sessions


class OwnedSessions(ExpiringRows[SessionRow]):
    """The sessions of the users of a database.

    :param database: the database
    :param searched: the searched properties
    :param owner: see `Rows`
    """

    def __init__(self, database: Database, searched: Sequence[str], owner: str) -> None:
        super().__init__(database, session_view(searched), SessionRow._make, sessions.c.uuid, owner=owner)

    def page(self, request: PageRequest) -> Page[SessionRow]:
        """See `Rows`. Those that are equal in all sort keys follow by username."""
        return super().page(request._replace(ordering=(*request.ordering, SortKey(USERNAME))))
