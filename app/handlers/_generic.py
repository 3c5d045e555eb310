"""The operations on objects of any model: the contract says by `x-serves` whose operations a path has.

No model is known here by name.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
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


@lru_cache(maxsize=1024)
def handler(model: str, verb: str) -> Callable[..., Any]:
    """The handler of one operation, the same one each time.

    :param model: the model's name
    :param verb: what the operationId ends with
    :raises KeyError: there is no such verb
    """
    return partial(_HANDLERS[verb], model=model)


def _list(
    store: Store,
    filters: Filters,
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    *,
    model: str,
) -> dict[str, Any]:
    found = store.objects.page(model, filters, search, ordering, page, page_size)
    shape = shapes_of(store).object
    return page_of([StoredObject(row, shape) for row in found.objects], found.count, page, page_size)


def _create(store: Store, body: Body, *, model: str) -> StoredObject:
    return StoredObject(store.objects.add(model, body), shapes_of(store).object)


def _retrieve(store: Store, pk: str, filters: Filters, search: Sequence[str], *, model: str) -> StoredObject:
    return StoredObject(store.objects.get(model, pk, filters, search), shapes_of(store).object)


def _update(store: Store, pk: str, body: Body, filters: Filters, search: Sequence[str], *, model: str) -> StoredObject:
    return StoredObject(store.objects.change(model, pk, body, filters, search), shapes_of(store).object)


def _destroy(
    store: Store,
    pk: str,
    filters: Filters,
    search: Sequence[str],
    *,
    model: str,
) -> None:
    store.objects.remove(model, pk, filters, search)


def _used_by(
    store: Store,
    pk: str,
    request: RequestContext,
    *,
    model: str,
) -> list[dict[str, Any]]:
    return visible_uses(store.used_by.object(store.objects.get(model, pk).pk), request)


def _types(store: Store, *, model: str) -> list[dict[str, Any]]:
    return types_of(store.models, model)


_HANDLERS: Mapping[str, Callable[..., Any]] = {
    "list": _list,
    "create": _create,
    "retrieve": _retrieve,
    "update": _update,
    "partial_update": _update,
    "destroy": _destroy,
    "used_by_list": _used_by,
    "types_list": _types,
}
