"""What the entries of a blueprint refer to: the objects of the entries above, and those of the store."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app.blueprints.findings import Place, finding
from app.blueprints.lookups import Lookups, Scope, is_uuid, shown_pk
from app.blueprints.reading import Blueprint, Entry
from app.domain import Model


class Lost(NamedTuple):
    """An entry that leaves no object for others to refer to.

    :param number: which entry it is; 0 if it can't be read
    :param wrong: whether it is wrong; otherwise it is skipped
    """

    number: int
    wrong: bool

    def __str__(self) -> str:
        which = f"entry {self.number}" if self.number else "an entry"
        return f"{which}, which is {'wrong' if self.wrong else 'skipped'}"


class DependsOnLost(Exception):
    """An entry refers to one that leaves no object."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost)
        self.lost = lost


class IsGone(Exception):
    """An entry refers to an object that is deleted already."""


class References:
    """The objects that the tags and properties of an entry refer to.

    :param lookups: finds objects of the store
    :param is_absent: whether the entry of an id deletes its object
    :param strict: whether a `!Find` that finds nothing is wrong
    """

    def __init__(
        self, blueprint: Blueprint, lookups: Lookups, is_absent: Callable[[str], bool], *, strict: bool
    ) -> None:
        self.deleting = False
        """Whether the present entry deletes its object: then what it refers to may be gone."""
        self._is_absent = is_absent
        self._lookups = lookups
        self._strict = strict
        # The objects of the entries above, by the entry's id and by the pk that it gave.
        self._by_id: dict[str, str | int] = {}
        self._by_pk: dict[str, str] = {}
        # The entries that leave none, by id, by the pk that they give, and by model.
        unreadable = blueprint.ids - {entry.id for entry in blueprint.entries}
        self._lost = dict.fromkeys(unreadable, Lost(0, wrong=True))
        self._lost_pks: dict[str, Lost] = {}
        self._lost_from: dict[str, Lost] = {}

    def add(self, entry: Entry, model: Model, given: str | None, pk: str) -> None:
        """Let entries below refer to the object of an entry. :param given: the pk that the entry gave it"""
        if entry.id is not None:
            self._by_id.setdefault(entry.id, shown_pk(model, pk))
        if given is not None:
            self._by_pk[given] = pk

    def lose(self, entry: Entry, *, wrong: bool) -> None:
        """Let entries below know that an entry has no object."""
        lost = Lost(entry.number, wrong)
        if entry.id is not None:
            self._lost.setdefault(entry.id, lost)
        identifiers = entry.identifiers.content if entry.identifiers is not None else None
        if isinstance(identifiers, dict) and (pk := identifiers.get("pk")) is not None and is_uuid(pk.content):
            self._lost_pks.setdefault(pk.content.lower(), lost)
        if isinstance(entry.model.content, str):
            self._lost_from.setdefault(entry.model.content.lower(), lost)

    def pk_of(self, given: str) -> str:
        """The pk of the object that an entry above gave this one, or else the same."""
        return self._by_pk.get(given, given)

    def renamed(self, model: Model, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties that lead to the objects of entries above by the pks those gave, led to the pks that they have.

        :raises DependsOnLost: an entry above gives such a pk, and has no object
        """

        def renamed(value: Any) -> Any:
            if isinstance(value, list):
                return [renamed(one) for one in value]
            if not isinstance(value, str):
                return value
            pk = value.lower()
            if pk in self._lost_pks and pk not in self._by_pk:
                raise DependsOnLost(self._lost_pks[pk])
            return self._by_pk.get(pk, value)

        return {name: renamed(value) if name in model.references else value for name, value in properties.items()}

    def key_of(self, id_: str, place: Place) -> str | int:
        """The pk of the object of an entry above, by the entry's id.

        :raises BlueprintError: there is no such entry
        :raises DependsOnLost: it has no object
        :raises IsGone: its object is deleted, and so is that of the present entry
        """
        if id_ in self._by_id:
            return self._by_id[id_]
        if id_ in self._lost:
            raise DependsOnLost(self._lost[id_])
        if self.deleting and self._is_absent(id_):
            raise IsGone
        raise finding(place, f"No entry above has the id {id_!r} and an object.")

    def find(self, model: str, properties: Mapping[str, Any], place: Place) -> str | int | None:
        """The pk of an object of the store, None if there is none. :raises BlueprintError: see `Lookups.find`"""
        found = self._found(self._lookups.scope(model, place), properties, place)
        return None if found is None else shown_pk(*found)

    def read(self, model: str, properties: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
        """What the sender may see of an object of the store, None if there is none."""
        scope = self._lookups.scope(model, place)
        found = self._found(scope, properties, place)
        return None if found is None else self._lookups.visible(scope, found, place)

    def _found(self, scope: Scope, properties: Mapping[str, Any], place: Place) -> tuple[Model, str] | None:
        found = self._lookups.find(scope, properties, place)
        lost = next((self._lost_from[model.name] for model in scope.models if model.name in self._lost_from), None)
        if found is None and lost is not None:
            # It may be the object of that entry.
            raise DependsOnLost(lost)
        if found is None and self._strict and not self.deleting:
            raise finding(place, "There is no such object.")
        return found
