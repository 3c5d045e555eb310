"""The operations on policies of all kinds at once, and on what binds them."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import RequestContext, StoredObject
from app.representations.models import types_of
from app.representations.objects import shapes_of
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.queries.listing import SortKey

Body = Mapping[str, Any]
Filters = Mapping[str, Any]

_POLICIES = "policies"


def policies_all_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of policies. :raises PageNotFound: there is no such page"""
    found = store.objects.page(_POLICIES, filters, search, ordering, page, page_size)
    shape = shapes_of(store).policy
    return page_of([StoredObject(row, shape) for row in found.objects], found.count, page, page_size)


def policies_all_retrieve(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A policy. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.objects.get(_POLICIES, pk, filters, search), shapes_of(store).policy)


def policies_all_destroy(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a policy and its bindings. :raises NotFound: there is none, or it does not match the filters"""
    store.objects.remove(_POLICIES, pk, filters, search)


def policies_all_used_by_list(store: Store, pk: str, request: RequestContext) -> list[dict[str, Any]]:
    """What is connected with a policy. :raises NotFound: there is none"""
    return visible_uses(store.used_by.object(store.objects.get(_POLICIES, pk).pk), request)


def policies_all_types_list(store: Store) -> list[dict[str, Any]]:
    """The kinds of policies."""
    return types_of(store.models, _POLICIES)


def policies_all_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many results of policies are cached: none is kept."""
    return {"count": 0}


def policies_all_cache_clear_create(_store: Store) -> None:
    """Drop the cached results of policies, of which there are none."""


def policies_bindings_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of bindings. :raises PageNotFound: there is no such page"""
    found = store.policy_bindings.page(filters, search, ordering, page, page_size)
    shape = shapes_of(store).policy_binding
    return page_of([StoredObject(row, shape) for row in found.bindings], found.count, page, page_size)


def policies_bindings_create(store: Store, body: Body) -> StoredObject:
    """Bind a policy. :raises Missing: a reference leads nowhere :raises NotUnique: it is bound so already"""
    return StoredObject(store.policy_bindings.add(body), shapes_of(store).policy_binding)


def policies_bindings_retrieve(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A binding. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.policy_bindings.get(pk, filters, search), shapes_of(store).policy_binding)


def policies_bindings_update(
    store: Store, pk: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such binding"""
    row = store.policy_bindings.change(pk, body, filters, search)
    return StoredObject(row, shapes_of(store).policy_binding)


def policies_bindings_partial_update(
    store: Store, pk: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such binding"""
    return policies_bindings_update(store, pk, body, filters, search)


def policies_bindings_destroy(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a binding. :raises NotFound: there is none, or it does not match the filters"""
    store.policy_bindings.remove(pk, filters, search)


def policies_bindings_used_by_list(store: Store, pk: str) -> list[dict[str, Any]]:
    """Nothing is connected with the binding of a policy. :raises NotFound: there is no such binding"""
    store.policy_bindings.get(pk)
    return []
