"""What blueprints need of the store and of its models."""

from collections.abc import Callable, Container, Iterable, Mapping, Set
from contextlib import AbstractContextManager
from typing import Any, Protocol

from app.domain import Collection, Grant


class Model(Protocol):
    """A kind of object."""

    @property
    def name(self) -> str:
        """Such as `authentik_flows.flow`."""

    @property
    def collection(self) -> str:
        """What its objects are kept in, together with those of other models."""

    @property
    def members(self) -> Iterable[str]:
        """The members that a client sets."""

    @property
    def preset(self) -> Set[str]:
        """The stored properties that a blueprint sets beside `members`."""

    @property
    def references(self) -> Mapping[str, object]:
        """The members that lead to other objects."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The values of members that are left out of a new object."""

    @property
    def read_new(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Checks the members of a new object, and adds what is left out; raises `Invalid`."""

    @property
    def read_change(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Checks some members of an object; raises `Invalid`."""

    @property
    def unique(self) -> Container[frozenset[str]]:
        """The sets of members whose values together are unique."""

    @property
    def seen_by(self) -> Iterable[Grant]:
        """The permissions to see an object, and the members that each shows."""

    @property
    def deleted_by(self) -> Iterable[frozenset[str]]:
        """The permissions to delete an object: each set suffices."""

    @property
    def messages_of(self) -> Callable[[Any], Mapping[str, Any]]:
        """What is told, by member, when a value is taken or a reference leads nowhere."""


class Repository(Protocol):
    """The objects of one model. Each method works within the transaction of a session."""

    def find(self, session: Any, identifiers: Mapping[str, Any]) -> str | None:
        """The pk of the object whose members equal those given, `pk` among them; None if there is none."""

    def read(self, session: Any, pk: str, *, lock: bool = False) -> dict[str, Any]:
        """Every member that a client or a blueprint sets, and `pk`.

        :param lock: whether nobody else may change the object until the transaction ends
        :raises NotFound: there is no such object
        """

    def read_many(self, session: Any, pks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What `read` gives, by pk. Objects that there are not are left out."""

    def as_stored(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Members in the form in which they are stored."""

    def add(self, session: Any, members: Mapping[str, Any], pk: str | None = None) -> str:
        """Store an object. :returns: its pk :raises NotUnique: a value is taken :raises Missing: a reference leads nowhere"""

    def change(self, session: Any, pk: str, members: Mapping[str, Any]) -> None:
        """Store some members. :raises NotUnique: a value is taken :raises Missing: a reference leads nowhere"""

    def remove(self, session: Any, pk: str) -> None:
        """Delete an object. :raises NotFound: there is no such object"""


class Graph(Protocol):
    """What belongs together. Each method works within the transaction of a session."""

    def models_of(self, session: Any, pks: Iterable[str]) -> dict[str, str]:
        """The models of objects, by pk. Those that there are not are left out."""

    def bound_to(self, session: Any, pks: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        """The bindings whose targets objects are, by the target's pk: model and pk of each, in their order."""


class Database(Protocol):
    """Where transactions come from."""

    def serializable(self) -> AbstractContextManager[Any]:
        """A session for one serializable transaction, committed at the end and rolled back if anything is raised; `TakenBack` if a
        concurrent transaction conflicts with it.
        """

    def snapshot(self) -> AbstractContextManager[Any]:
        """A session for reading statements that all see the same."""


class Store(Protocol):
    """The objects of all models."""

    @property
    def models(self) -> Mapping[str, Model]:
        """The models by name."""

    @property
    def collections(self) -> Mapping[str, Collection]:
        """The collections by name, each after those that it refers to."""

    @property
    def database(self) -> Database:
        """Where they are."""

    @property
    def graph(self) -> Graph:
        """How they belong together."""

    def repository(self, model: str) -> Repository:
        """The objects of a model."""
