"""The operations on the objects of a model or collection, the same for all of them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

from app.store.collections.bindings import PolicyBindings, StageBindings
from app.store.collections.consents import Consents
from app.store.collections.flows import Flows
from app.store.collections.objects import Objects
from app.store.collections.owned_sessions import OwnedSessions
from app.store.collections.owned_tokens import OwnedTokens
from app.store.queries.listing import Page, PageRequest


class Resource(Protocol):
    """The operations on the objects of every model or collection. `Flows` and `Objects` document their exceptions."""

    def page(self, request: PageRequest, /) -> Page[Any]:
        """A page of objects."""

    def get(self, key: Any, filters: Mapping[str, Any] = {}, terms: Sequence[str] = (), /) -> Any:
        """Get an object by its key."""

    def remove(self, key: Any, filters: Mapping[str, Any] = {}, terms: Sequence[str] = (), /) -> None:
        """Delete an object."""


class WritableResource(Resource, Protocol):
    """The operations on objects that clients create and change."""

    def add(self, properties: Mapping[str, Any], /) -> Any:
        """Store a new object."""

    def change(
        self, key: Any, properties: Mapping[str, Any], filters: Mapping[str, Any] = {}, terms: Sequence[str] = (), /
    ) -> Any:
        """Update some properties of an object."""


class ObjectsOf:
    """The objects of one model or collection.

    :param objects: all objects
    :param scope: the model or collection
    """

    def __init__(self, objects: Objects, scope: str) -> None:
        self.page = partial(objects.page, scope)
        self.get = partial(objects.get, scope)
        self.add = partial(objects.add, scope)
        self.change = partial(objects.change, scope)
        self.remove = partial(objects.remove, scope)


class Resources(dict[str, WritableResource]):
    """Resources by model or collection, created on first use. One may lack methods, which no handler then uses: see `has_method`.

    :param make: creates the resource of a model or collection
    """

    def __init__(self, make: Callable[[str], Resource]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, scope: str) -> Resource:
        made = self[scope] = cast("WritableResource", self._make(scope))
        return made


# The collections with their own table; all others share one.
_CLASSES: dict[str, type] = {
    "flows": Flows,
    "stage_bindings": StageBindings,
    "policy_bindings": PolicyBindings,
    "tokens": OwnedTokens,
    "user_consents": Consents,
    "authenticated_sessions": OwnedSessions,
}


def has_method(collection: str, method: str) -> bool:
    """Whether the resource of a collection has a method."""
    return hasattr(_CLASSES.get(collection, Objects), method)


def is_single_statement(collection: str, method: str) -> bool:
    """Whether a method of a collection normally runs one short statement."""
    return getattr(getattr(_CLASSES.get(collection, Objects), method), "single_statement", False)
