"""A cache of existing objects that requests of a run can refer to."""

from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple

# The maximum number of cached objects per model, and of identifiers of deleted ones. The oldest ones are discarded.
KEPT = 200
GONE = 10_000


class _Object(NamedTuple):
    names: Mapping[str, str]
    held_by: frozenset[str]


class KnownObjects:
    """A cache of objects by model.

    :param identities: the properties that identify an object
    :param holders: by model, the properties with the objects whose deletion cascades
    """

    def __init__(self, identities: Iterable[str], holders: Mapping[str, Set[str]]) -> None:
        self._identities = sorted(identities)
        self._holders = holders
        self._objects: dict[str, dict[str, _Object]] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._gone: dict[str, str] = {}
        self._former: dict[str, str] = {}

    def put(self, model: str, found: Mapping[str, Any]) -> None:
        """Cache the current state of an object."""
        names = _texts(found, self._identities)
        if "pk" not in names:
            return
        kept = self._objects.setdefault(model, {})
        before = self._drop(model, names["pk"])
        _add(self._former, dict.fromkeys(before.difference(names.values()), model))
        kept[names["pk"]] = _Object(names, frozenset(_texts(found, self._holders.get(model, ())).values()))
        self._places |= dict.fromkeys(names.values(), (model, names["pk"]))
        if len(kept) > KEPT:
            self._drop(model, next(iter(kept)))

    def discard(self, name: object) -> None:
        """Discard a deleted object, and those deleted with it."""
        if not isinstance(name, str) or name not in self._places:
            return
        model, pk = self._places[name]
        gone = self._drop(model, pk)
        _add(self._gone, dict.fromkeys(gone, model))
        for kept in self._objects.values():
            for pk in [pk for pk, other in kept.items() if other.held_by & gone]:
                self.discard(pk)

    def names(self, models: Iterable[str], properties: Iterable[str]) -> list[str]:
        """The identifiers of objects of some models, from some of their properties; the oldest ones first."""
        return [
            found.names[property_name]
            for model in sorted(models)
            for found in self._objects.get(model, {}).values()
            for property_name in properties
            if property_name in found.names
        ]

    def knows(self, name: str, models: Set[str]) -> bool:
        """Whether a value identifies an existing or deleted object of some models."""
        return self._places.get(name, ("", ""))[0] in models or self._gone.get(name) in models

    def named(self, name: str) -> tuple[str, Mapping[str, str]] | None:
        """The model and the identifiers of an existing object, by one of them."""
        if name not in self._places:
            return None
        model, pk = self._places[name]
        return model, self._objects[model][pk].names

    def was_deleted(self, name: object) -> bool:
        """Whether a value identified an object that was deleted, or renamed since."""
        return (name in self._gone or name in self._former) and name not in self._places

    def _drop(self, model: str, pk: str) -> frozenset[str]:
        dropped = self._objects[model].pop(pk, None)
        names = frozenset(dropped.names.values()) if dropped else frozenset()
        for name in names:
            self._places.pop(name, None)
        return names


def _add(kept: dict[str, str], new: Mapping[str, str]) -> None:
    """Keep further identifiers, with their models, and discard the oldest ones beyond the limit."""
    kept |= new
    while len(kept) > GONE:
        del kept[next(iter(kept))]


def _texts(found: Mapping[str, Any], properties: Iterable[str]) -> dict[str, str]:
    return {name: found[name] for name in properties if isinstance(found.get(name), str)}
