"""References of a blueprint's entries: to the objects of earlier entries, and of the store."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app.blueprints.findings import Place, finding
from app.blueprints.lookups import Lookups, Scope, is_uuid, shown_pk
from app.blueprints.reading import Blueprint, Entry
from app.domain import Model


class Lost(NamedTuple):
    """An entry without an object for references.

    :param number: its number; 0 if it is invalid
    :param wrong: whether it has errors; otherwise it is skipped
    """

    number: int
    wrong: bool

    def __str__(self) -> str:
        which = f"entry {self.number}" if self.number else "an entry"
        return f"{which}, which is {'wrong' if self.wrong else 'skipped'}"


class DependsOnLost(Exception):
    """An entry refers to an entry without an object."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost)
        self.lost = lost


class IsGone(Exception):
    """An entry refers to an object that was deleted."""


class References:
    """The targets of the tags and properties of an entry.

    :param lookups: finds objects of the store
    :param is_absent: whether the entry with an id deletes its object
    :param strict: whether a `!Find` without a result is an error
    """

    def __init__(
        self, blueprint: Blueprint, lookups: Lookups, is_absent: Callable[[str], bool], *, strict: bool
    ) -> None:
        self.deleting = False
        """Whether the current entry deletes its object: then the targets of its references may be deleted."""
        self._is_absent = is_absent
        self._lookups = lookups
        self._strict = strict
        # The objects of earlier entries, by the entry's id and by its given pk.
        self._by_id: dict[str, str | int] = {}
        self._by_pk: dict[str, str] = {}
        # The entries without an object, by id, by their given pk, and by model.
        unreadable = blueprint.ids - {entry.id for entry in blueprint.entries}
        self._lost = dict.fromkeys(unreadable, Lost(0, wrong=True))
        self._lost_pks: dict[str, Lost] = {}
        self._lost_from: dict[str, Lost] = {}

    def add(self, entry: Entry, model: Model, given: str | None, pk: str) -> None:
        """Add the object of an entry for references. :param given: the pk in the entry"""
        if entry.id is not None:
            self._by_id.setdefault(entry.id, shown_pk(model, pk))
        if given is not None:
            self._by_pk[given] = pk

    def lose(self, entry: Entry, *, wrong: bool) -> None:
        """Add an entry that has no object."""
        lost = Lost(entry.number, wrong)
        if entry.id is not None:
            self._lost.setdefault(entry.id, lost)
        identifiers = entry.identifiers.content if entry.identifiers is not None else None
        if isinstance(identifiers, dict) and (pk := identifiers.get("pk")) is not None and is_uuid(pk.content):
            self._lost_pks.setdefault(pk.content.lower(), lost)
        if isinstance(entry.model.content, str):
            self._lost_from.setdefault(entry.model.content.lower(), lost)

    def pk_of(self, given: str) -> str:
        """The actual pk of the earlier entry with this given pk, or else the same pk."""
        return self._by_pk.get(given, given)

    def renamed(self, model: Model, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the pks given by earlier entries in properties by the actual pks of their objects.

        :raises DependsOnLost: an earlier entry gives such a pk, and has no object
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
        """The pk of the object of an earlier entry, by the entry's id.

        :raises BlueprintError: there is no such entry
        :raises DependsOnLost: it has no object
        :raises IsGone: its object is deleted, and the current entry deletes its own
        """
        if id_ in self._by_id:
            return self._by_id[id_]
        if id_ in self._lost:
            raise DependsOnLost(self._lost[id_])
        if self.deleting and self._is_absent(id_):
            raise IsGone
        raise finding(place, f"No entry above has the id {id_!r} and an object.")

    def find(self, model: str, properties: Mapping[str, Any], place: Place) -> str | int | None:
        """The pk of a stored object, None if there is none. :raises BlueprintError: see `Lookups.find`"""
        found = self._found(self._lookups.scope(model, place), properties, place)
        return None if found is None else shown_pk(*found)

    def read(self, model: str, properties: Mapping[str, Any], place: Place) -> dict[str, Any] | None:
        """The properties of a stored object that the sender may see, None if there is none."""
        scope = self._lookups.scope(model, place)
        found = self._found(scope, properties, place)
        return None if found is None else self._lookups.visible(scope, found, place)

    def _found(self, scope: Scope, properties: Mapping[str, Any], place: Place) -> tuple[Model, str] | None:
        found = self._lookups.find(scope, properties, place)
        lost = next((self._lost_from[model.name] for model in scope.models if model.name in self._lost_from), None)
        if found is None and lost is not None:
            # The object may be that of the entry.
            raise DependsOnLost(lost)
        if found is None and self._strict and not self.deleting:
            raise finding(place, "There is no such object.")
        return found
