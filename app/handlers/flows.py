"""The operations on flows."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.objects import StoredObject
from app.shapes.objects import flow as flow_shape
from app.shapes.pages import page_of
from app.store import Store
from app.store.listing import SortKey

Body = Mapping[str, Any]
Filters = Mapping[str, Any]


def flows_instances_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of flows. :raises PageNotFound: there is no such page"""
    found = store.flows.page(filters, search, ordering, page, page_size)
    return page_of([StoredObject(flow, flow_shape) for flow in found.flows], found.count, page, page_size)


def flows_instances_create(store: Store, body: Body) -> StoredObject:
    """Store a flow. :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.add(body), flow_shape)


def flows_instances_retrieve(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A flow. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.flows.get(slug, filters, search), flow_shape)


def flows_instances_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), flow_shape)


def flows_instances_partial_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), flow_shape)


def flows_instances_destroy(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a flow. :raises NotFound: there is none, or it does not match the filters"""
    store.flows.remove(slug, filters, search)


def flows_instances_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many plans are cached: nothing here plans a flow, so none."""
    return {"count": 0}


def flows_instances_cache_clear_create(_store: Store) -> None:
    """Drop the cached plans, of which there are none."""
