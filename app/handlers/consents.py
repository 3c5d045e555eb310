"""The operations on consents: callers other than superusers see their own consents only."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import RequestContext, SortKey
from app.handlers._people import owner_of
from app.representations.objects import representations_of
from app.representations.pages import page_of
from app.store import Store
from app.store.queries.consent_views import CONSENT_REFERENCES, ConsentRow
from app.store.queries.listing import PageRequest
from app.store.queries.moments import moment_of


def core_user_consent_list(
    store: Store,
    filters: Mapping[str, Any],
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    request: RequestContext,
) -> dict[str, Any]:
    """A page of consents. :raises PageNotFound: there is no such page"""
    asked = PageRequest(filters, search, ordering, page, page_size)
    found = store.consents.page(asked, owner_of(request))
    return page_of([_shown(store, row) for row in found.rows], found.count, page, page_size)


def core_user_consent_retrieve(store: Store, key: int, request: RequestContext) -> dict[str, Any]:
    """Get a consent. :raises NotFound: there is none, or another user has given it"""
    return _shown(store, store.consents.get(key, owner_of(request)))


def core_user_consent_destroy(store: Store, key: int, request: RequestContext) -> None:
    """Delete a consent, so that it is asked for again. :raises NotFound: there is none, or another user has given it"""
    store.consents.remove(key, owner_of(request))


def core_user_consent_used_by_list(store: Store, key: int, request: RequestContext) -> list[Any]:
    """The objects that use a consent: none. :raises NotFound: there is none, or another user has given it"""
    store.consents.get(key, owner_of(request))
    return []


def _shown(store: Store, row: ConsentRow) -> dict[str, Any]:
    represent = representations_of(store).object
    objects = {
        name: represent(store.objects.get(collection, getattr(row, name)))
        for name, reference in CONSENT_REFERENCES.items()
        for collection in reference.to
    }
    expires = moment_of(row.expires) if row.expires else None
    return {"pk": row.pk, "expires": expires, "expiring": bool(row.expires), **objects, "permissions": row.permissions}
