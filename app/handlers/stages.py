"""The operations on stages of all kinds at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import RequestContext, StoredObject
from app.representations.models import types_of
from app.representations.objects import shapes_of
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.queries.listing import SortKey

Filters = Mapping[str, Any]

_STAGES = "stages"


def stages_all_list(
    store: Store, filters: Filters, search: Sequence[str], ordering: Sequence[SortKey], page: int, page_size: int
) -> dict[str, Any]:
    """A page of stages. :raises PageNotFound: there is no such page"""
    found = store.objects.page(_STAGES, filters, search, ordering, page, page_size)
    shape = shapes_of(store).stage
    return page_of([StoredObject(row, shape) for row in found.objects], found.count, page, page_size)


def stages_all_retrieve(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> StoredObject:
    """A stage. :raises NotFound: there is none, or it does not match the filters"""
    return StoredObject(store.objects.get(_STAGES, pk, filters, search), shapes_of(store).stage)


def stages_all_destroy(store: Store, pk: str, filters: Filters, search: Sequence[str]) -> None:
    """Delete a stage and its bindings. :raises NotFound: there is none, or it does not match the filters"""
    store.objects.remove(_STAGES, pk, filters, search)


def stages_all_used_by_list(store: Store, pk: str, request: RequestContext) -> list[dict[str, Any]]:
    """What is connected with a stage. :raises NotFound: there is none"""
    return visible_uses(store.used_by.object(store.objects.get(_STAGES, pk).pk), request)


def stages_all_types_list(store: Store) -> list[dict[str, Any]]:
    """The kinds of stages."""
    return types_of(store.models, _STAGES)
