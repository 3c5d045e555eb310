"""The operations on sessions, which mark the caller's own one."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import RequestContext, SortKey, StoredObject
from app.executor.sessions import ClientSessions
from app.handlers._owned import own_only
from app.representations.pages import page_of
from app.representations.sessions import current_session, session
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.queries.session_views import SessionRow


def core_authenticated_sessions_list(
    store: Store,
    filters: Mapping[str, Any],
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    request: RequestContext,
) -> dict[str, Any]:
    """A page of sessions. :raises PageNotFound: there is no such page"""
    asked = PageRequest({**filters, **own_only(request)}, search, ordering, page, page_size)
    found = store.owned_sessions.page(asked)
    own = _own(store, request)
    return page_of([_shown(row, own) for row in found.rows], found.count, page, page_size)


def core_authenticated_sessions_retrieve(store: Store, key: str, request: RequestContext) -> StoredObject:
    """Get a session. :raises NotFound: there is none, or another user owns it"""
    return _shown(store.owned_sessions.get(key, own_only(request)), _own(store, request))


def _shown(row: SessionRow, own: str) -> StoredObject:
    return StoredObject(row, current_session if row.pk == own else session)


def _own(store: Store, request: RequestContext) -> str:
    """The identifier of the session that sent a request; empty if a token was sent."""
    stored = ClientSessions(store).read(request.credentials).stored if request.session is not None else None
    return "" if stored is None else stored.uuid
