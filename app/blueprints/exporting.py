"""Export of flows and their dependencies as a blueprint, which recreates them on an empty server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml

from app import errors
from app.domain import Model
from app.store import Store

_FLOW = "authentik_flows.flow"

Properties = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """YAML in the style of authentik, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's interface
        return True


def export(store: Store, slugs: Sequence[str]) -> bytes:
    """Export flows and their dependencies: bindings, stages, prompts, policies, and the flows that stages refer to.

    Equal objects give equal bytes at any time and on any server; the name contains no time. An object of a model that the contract
    no longer has is left out, with its bindings; other references to it are null.

    :raises NotFound: there is no flow with a slug; the error names it
    :raises Unavailable: the database does not respond
    """
    with store.database.snapshot() as session:
        reach = _Reach(store, session)
        reach.follow(_FLOW, [_pk(store, session, slug) for slug in slugs])
    document = {
        "context": {},
        "entries": [_entry(model, properties, _identifiers(store, model)) for model, properties in reach.in_order()],
        "metadata": {
            "labels": {"blueprints.goauthentik.io/generated": "true"},
            "name": f"authentik Export - {', '.join(slugs)}",
        },
        "version": 1,
    }
    text: str = yaml.dump(document, Dumper=_Dumper, default_flow_style=False)
    return text.encode()


def _identifiers(store: Store, model: Model) -> Sequence[str]:
    """The properties that identify an object, besides its pk."""
    collection = store.collections.get(model.collection)
    return collection.identifiers if collection is not None else ()


def _pk(store: Store, session: Any, slug: str) -> str:
    pk = store.repository(_FLOW).find(session, {"slug": slug})
    if pk is None:
        raise errors.NotFound(slug)
    return pk


class _Reach:
    """Objects and their dependencies."""

    def __init__(self, store: Store, session: Any) -> None:
        self._store = store
        self._session = session
        self._found: dict[str, tuple[Model, Properties]] = {}
        self._unknown: set[str] = set()

    def follow(self, model: str, pks: Iterable[str]) -> None:
        """Add objects, their references and their bindings. Those at equal distance are read together."""
        graph, near = self._store.graph, dict.fromkeys(pks, model)
        while near:
            self._read(near)
            target = {pk: list(_identities(*self._found[pk])) for pk in near}
            models = graph.models_of(self._session, {other for others in target.values() for other in others})
            bound = graph.bound_to(self._session, near)
            far: dict[str, str] = {}
            for pk, others in target.items():
                far |= {other: models[other] for other in others if other in models and not _is_apart(models[other])}
                far |= {binding: name for name, binding in bound.get(pk, ())}
            self._unknown |= {pk for pk, name in far.items() if name not in self._store.models}
            near = {pk: name for pk, name in far.items() if pk not in self._found and pk not in self._unknown}
        self._leave_out_unknown()

    def _leave_out_unknown(self) -> None:
        """Leave out objects of unknown models, references to them, and objects that require such a reference."""
        gone = left_out = self._unknown
        while gone:
            gone = {pk for pk, found in self._found.items() if not self._stands_without(left_out, *found)}
            left_out = left_out | gone
            for pk in gone:
                del self._found[pk]

    def _read(self, models: Mapping[str, str]) -> None:
        """Add objects. :param models: their models by pk"""
        by_model: dict[str, list[str]] = {}
        for pk, name in models.items():
            by_model.setdefault(name, []).append(pk)
        read: dict[str, Properties] = {}
        for name, pks in by_model.items():
            read |= self._store.repository(name).read_many(self._session, pks)
        self._found |= {
            pk: (self._store.models[name], _shown(self._store.models[name], read[pk])) for pk, name in models.items()
        }

    def in_order(self) -> list[tuple[Model, Properties]]:
        """The objects in topological order, each after its references; otherwise by collection, in the order of discovery."""
        target = {
            pk: [other for other in _identities(*found) if self._alike(pk, other)] for pk, found in self._found.items()
        }
        while True:
            try:
                pks = list(TopologicalSorter(target).static_order())
            except CycleError as error:
                # Cyclic references have no valid order: the import reports the dangling reference.
                first, second = error.args[1][:2]
                target[second].remove(first)
            else:
                break
        rank = {name: number for number, name in enumerate(self._store.collections)}
        return sorted((self._found[pk] for pk in pks), key=lambda found: rank.get(found[0].collection, len(rank)))

    def _stands_without(self, left_out: Set[str], model: Model, properties: Properties) -> bool:
        """Remove the references to some objects from an object. :returns: whether it is valid without them"""
        for name in model.references:
            value = properties.get(name)
            if isinstance(value, list):
                rest: Any = [one for one in value if one not in left_out]
            else:
                rest = None if value in left_out else value
            if rest == value:
                continue
            # A binding is identified by the objects that it binds.
            if name in _identifiers(self._store, model) or not _admits(model, name, rest):
                return False
            properties[name] = rest
        return True

    def _alike(self, pk: str, other: str) -> bool:
        """Whether both exist in the same collection."""
        return other in self._found and self._found[other][0].collection == self._found[pk][0].collection


def _is_apart(model: str) -> bool:
    """Whether objects of a model are independent of flows: users and groups, which an exporter of flows need not see."""
    return model.startswith("authentik_core.")


def _shown(model: Model, properties: Properties) -> Properties:
    """The properties of an object that are visible in responses."""
    shown = {name: value for name, value in properties.items() if name == "pk" or name in model.in_responses}
    if model.leave_out is not None:
        model.leave_out(shown)
    return shown


def _identities(model: Model, properties: Properties) -> Iterator[str]:
    """The pks of the objects that an object refers to."""
    for name in model.references:
        value = properties.get(name)
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _admits(model: Model, name: str, value: Any) -> bool:
    try:
        model.read_change({name: value})
    except errors.Invalid as error:
        return name not in error.messages
    return True


def _entry(model: Model, properties: Properties, known_by: Sequence[str]) -> Properties:
    """An object as an entry. :param known_by: the properties that identify it, besides its pk"""
    identifiers = {name: properties[name] for name in ("pk", *known_by) if name in properties}
    return {
        "attrs": _attrs(model, identifiers, {name: properties[name] for name in properties if name not in identifiers}),
        "conditions": [],
        "identifiers": identifiers,
        "model": model.name,
        "permissions": [],
        "state": "present",
    }


def _attrs(model: Model, identifiers: Properties, properties: Properties) -> Properties:
    """The properties that authentik exports: from 2026.2 on all, before that those that are not null, false or empty.

    Others are exported too if a new object would have another default, or the import would differ.
    """
    if model.exported_whole:
        return properties
    preset = {name: model.defaults.get(name) for name in model.preset}
    written = {
        name: value
        for name, value in properties.items()
        if not _is_empty(value) and not (name in preset and preset[name] == value)
    }
    known_by = {name: value for name, value in identifiers.items() if name != "pk"}
    while True:
        try:
            new = model.read_new({**known_by, **written})
        except errors.Invalid as error:
            needed = (error.messages.keys() & properties.keys()) - written.keys()
            if not needed:
                return properties
        else:
            needed = {name for name in properties if name not in written and new.get(name) != properties[name]}
            if not needed:
                # White space is trimmed from given values, but not from defaults: omitted properties keep it.
                altered = {name for name in written if new[name] != properties[name] == model.defaults.get(name)}
                return {name: value for name, value in written.items() if name not in altered}
        written |= {name: properties[name] for name in needed}


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [])
