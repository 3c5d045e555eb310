"""The operations on objects of a model or collection: `x-serves` in the contract assigns them to paths.

The scope and the representation are bound to a handler when it is created.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from app.domain import Collection, Model, RequestContext, SortKey, StoredObject
from app.execution import Statement, single_statement
from app.handlers._owned import limited
from app.representations.models import types_of
from app.representations.objects import Represent, Representations
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.collections.resources import has_method, is_single_statement
from app.store.queries.listing import PageRequest

Body = Mapping[str, Any]
Filters = Mapping[str, Any]

# The filters of an operation without such parameters.
_NONE: Filters = {}


def crud_handlers(
    served: Mapping[str, tuple[str, str]], models: Mapping[str, Model], collections: Mapping[str, Collection]
) -> dict[str, Callable[..., Any]]:
    """A handler for each operation below an `x-serves` that the store supports, by operationId.

    :param served: the model or collection, and the verb, of each operation
    :param models: the models by name
    :param collections: the collections by name
    """
    shapes = Representations(models, collections)
    found: dict[str, Callable[..., Any]] = {}
    for operation, (scope, verb) in served.items():
        collection = models[scope].collection if scope in models else scope
        if verb == "types_list":
            found[operation] = partial(_types, scope=scope)
        elif has_method(collection, _VERBS[verb][1]):
            handler = _handler(models, shapes, scope, collection, verb)
            found[operation] = limited(handler) if collections[collection].owner else handler
    return found


def _handler(
    models: Mapping[str, Model], shapes: Representations, scope: str, collection: str, verb: str
) -> Callable[..., Any]:
    function, method = _VERBS[verb]
    if verb == "create" and models[scope].owned_by:
        return partial(_create_owned, scope=scope, represent=shapes.of(scope))
    if verb in ("destroy", "used_by_list"):
        return partial(function, scope=scope)
    if verb == "retrieve" and has_method(collection, "getting"):
        handler = partial(_retrieve_later, scope=scope, represent=partial(StoredObject, represent=shapes.of(scope)))
    else:
        handler = partial(function, scope=scope, represent=shapes.of(scope))
    return single_statement(handler) if is_single_statement(collection, method) else handler


def _list(
    store: Store,
    filters: Filters,
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    *,
    scope: str,
    represent: Represent,
) -> dict[str, Any]:
    found = store.resources[scope].page(PageRequest(filters, search, ordering, page, page_size))
    return page_of([StoredObject(row, represent) for row in found.rows], found.count, page, page_size)


def _create(store: Store, body: Body, *, scope: str, represent: Represent) -> StoredObject:
    return StoredObject(store.resources[scope].add(body), represent)


def _create_owned(
    store: Store, body: Body, request: RequestContext, *, scope: str, represent: Represent
) -> StoredObject:
    owned = {**body, store.models[scope].owned_by: request.user}
    return StoredObject(store.resources[scope].add(owned), represent)


def _retrieve(
    store: Store,
    key: str | int,
    filters: Filters = _NONE,
    search: Sequence[str] = (),
    *,
    scope: str,
    represent: Represent,
) -> StoredObject:
    return StoredObject(store.resources[scope].get(key, filters, search), represent)


def _retrieve_later(
    store: Store,
    key: str,
    filters: Filters,
    search: Sequence[str],
    *,
    scope: str,
    represent: Callable[[Any], StoredObject],
) -> Statement:
    resource: Any = store.resources[scope]
    statement: Statement = resource.getting(key, filters, search, represent)
    return statement


def _update(
    store: Store,
    key: str | int,
    body: Body,
    filters: Filters = _NONE,
    search: Sequence[str] = (),
    *,
    scope: str,
    represent: Represent,
) -> StoredObject:
    return StoredObject(store.resources[scope].change(key, body, filters, search), represent)


def _destroy(store: Store, key: str | int, filters: Filters = _NONE, search: Sequence[str] = (), *, scope: str) -> None:
    store.resources[scope].remove(key, filters, search)


def _used_by(
    store: Store, key: str | int, request: RequestContext, filters: Filters = _NONE, *, scope: str
) -> list[dict[str, Any]]:
    collection = store.models[scope].collection if scope in store.models else scope
    return visible_uses(store.used_by.of(collection, store.resources[scope].get(key, filters).pk), request)


def _types(store: Store, *, scope: str) -> list[dict[str, Any]]:
    return types_of(store.models, scope)


# The handler of each verb, and the method of a resource that it calls.
_VERBS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "list": (_list, "page"),
    "create": (_create, "add"),
    "retrieve": (_retrieve, "get"),
    "update": (_update, "change"),
    "partial_update": (_update, "change"),
    "destroy": (_destroy, "remove"),
    "used_by_list": (_used_by, "get"),
}
