"""The operations on flows."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.objects import StoredObject
from app.store import Store
from app.store.flows import Flow
from app.store.listing import SortKey

Body = Mapping[str, Any]
Filters = Mapping[str, Any]


def flows_instances_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of flows. :raises PageNotFound: there is no such page"""
    found = store.flows.page(filters, search, ordering, page, page_size)
    return {
        "pagination": _pagination(found.count, page, page_size),
        "results": [StoredObject(flow, _shape) for flow in found.flows],
    }


def flows_instances_create(store: Store, body: Body) -> StoredObject:
    """Store a flow. :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.add(body), _shape)


def flows_instances_retrieve(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A flow. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.flows.get(slug, filters, search), _shape)


def flows_instances_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), _shape)


def flows_instances_partial_update(
    store: Store, slug: str, body: Body, filters: Filters, search: Sequence[str]
) -> StoredObject:
    """Store the members that were sent. :raises NotFound: there is no such flow :raises NotUnique: the slug is taken"""
    return StoredObject(store.flows.change(slug, body, filters, search), _shape)


def flows_instances_destroy(store: Store, slug: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a flow. :raises NotFound: there is none, or it does not match the filters"""
    store.flows.remove(slug, filters, search)


def flows_instances_cache_info_retrieve(_store: Store) -> dict[str, int]:
    """How many plans are cached: nothing here plans a flow, so none."""
    return {"count": 0}


def flows_instances_cache_clear_create(_store: Store) -> None:
    """Drop the cached plans, of which there are none."""


def _shape(flow: Flow) -> dict[str, Any]:
    """A flow as the contract has it, members in authentik's order. `export_url` is filled in from the contract.

    Nothing binds stages or policies to a flow, and nothing plans it, so there are none of these to count.
    """
    return {
        "pk": flow.pk,
        "policybindingmodel_ptr_id": flow.policybindingmodel_ptr_id,
        "name": flow.name,
        "slug": flow.slug,
        "title": flow.title,
        "designation": flow.designation,
        "background": flow.background,
        "stages": [],
        "policies": [],
        "cache_count": 0,
        "policy_engine_mode": flow.policy_engine_mode,
        "compatibility_mode": bool(flow.compatibility_mode),
        "export_url": "",
        "layout": flow.layout,
        "denied_action": flow.denied_action,
        "authentication": flow.authentication,
    }


def _pagination(count: int, page: int, size: int) -> dict[str, int]:
    """The numbers of a page, `0` for a page that there is not (recorded: `list.page.*`)."""
    pages = max(1, -(-count // size))
    return {
        "next": page + 1 if page < pages else 0,
        "previous": page - 1,
        "count": count,
        "current": page,
        "total_pages": pages,
        "start_index": (page - 1) * size + 1 if count else 0,
        "end_index": min(page * size, count),
    }
