"""The operations on the objects of a model or collection, the same for all of them."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from app.store.collections.bindings import PolicyBindings, StageBindings
from app.store.collections.flows import Flows
from app.store.collections.objects import Objects
from app.store.queries.listing import Page, PageRequest
from app.store.queries.used_by import Use


class Resource(NamedTuple):
    """The operations on the objects of a model or collection. `Flows` and `Objects` say what each takes and raises.

    :param page: a page of objects
    :param get: an object, by its key
    :param add: stores a new object
    :param change: stores some properties of an object
    :param remove: deletes an object
    :param uses: what is connected with an object, by its primary key
    """

    page: Callable[[PageRequest], Page[Any]]
    get: Callable[..., Any]
    add: Callable[..., Any]
    change: Callable[..., Any]
    remove: Callable[..., None]
    uses: Callable[[str], list[Use]]


def resource_of(
    objects: Flows | StageBindings | PolicyBindings | Objects, uses: Callable[[str], list[Use]], *scope: str
) -> Resource:
    """The operations of a collection. :param scope: the first argument of each, if there is one"""
    methods = (getattr(objects, name) for name in Resource._fields[:-1])
    page, get, add, change, remove = (partial(method, *scope) if scope else method for method in methods)
    return Resource(page, get, add, change, remove, uses)


class Resources(dict[str, Resource]):
    """Resources by model or collection, each made when it is first needed.

    :param make: makes the resource of a model or collection
    """

    def __init__(self, make: Callable[[str], Resource]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, scope: str) -> Resource:
        made = self[scope] = self._make(scope)
        return made


# Those with a table of their own; all others share one.
_CLASSES: dict[str, type] = {"flows": Flows, "stage_bindings": StageBindings, "policy_bindings": PolicyBindings}


def is_single_statement(collection: str, method: str) -> bool:
    """Whether a method of a collection normally runs one short statement."""
    return getattr(getattr(_CLASSES.get(collection, Objects), method, None), "single_statement", False)
