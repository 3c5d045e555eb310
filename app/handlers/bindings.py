"""The operations on the bindings of stages to flows."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import RequestContext, StoredObject
from app.representations.objects import shapes_of
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.queries.listing import SortKey

Body = Mapping[str, Any]
Filters = Mapping[str, Any]


def flows_bindings_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of bindings. :raises PageNotFound: there is no such page"""
    found = store.stage_bindings.page(filters, search, ordering, page, page_size)
    shape = shapes_of(store).stage_binding
    return page_of([StoredObject(row, shape) for row in found.bindings], found.count, page, page_size)


def flows_bindings_create(store: Store, body: Body) -> StoredObject:
    """Bind a stage to a flow. :raises Missing: a reference leads nowhere :raises NotUnique: it is bound so already"""
    return StoredObject(store.stage_bindings.add(body), shapes_of(store).stage_binding)


def flows_bindings_retrieve(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A binding. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.stage_bindings.get(pk, filters, search), shapes_of(store).stage_binding)


def flows_bindings_update(store: Store, pk: str, body: Body, filters: Filters, search: Sequence[str]) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such binding"""
    row = store.stage_bindings.change(pk, body, filters, search)
    return StoredObject(row, shapes_of(store).stage_binding)


def flows_bindings_partial_update(
    store: Store, pk: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such binding"""
    return flows_bindings_update(store, pk, body, filters, search)


def flows_bindings_destroy(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a binding. :raises NotFound: there is none, or it does not match the filters"""
    store.stage_bindings.remove(pk, filters, search)


def flows_bindings_used_by_list(store: Store, pk: str, request: RequestContext) -> list[dict[str, Any]]:
    """What is connected with a binding. :raises NotFound: there is no such binding"""
    return visible_uses(store.used_by.stage_binding(store.stage_bindings.get(pk).pk), request)
