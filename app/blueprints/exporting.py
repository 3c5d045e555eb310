"""Write flows, and everything they reach, as a blueprint that makes the same again on an empty server."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml

from app import errors
from app.blueprints.objects import Model, Store

_FLOW = "authentik_flows.flow"

# The collections in authentik's order, in which none leads to a later one; and by which members, besides the pk, authentik
# knows their objects.
_IDENTIFIERS: Mapping[str, tuple[str, ...]] = {
    "flows": ("slug",),
    "prompts": (),
    "policies": (),
    "stages": ("name",),
    "stage_bindings": ("target", "stage", "order"),
    "policy_bindings": ("policy", "target", "order"),
}
_ORDER = tuple(_IDENTIFIERS)

Members = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """YAML as authentik writes it, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's interface
        return True


def export(store: Store, slugs: Sequence[str]) -> bytes:
    """A blueprint of flows and what they reach: bindings, stages, prompts, policies, and the flows that stages lead to.

    The same objects are the same bytes, whenever and by whichever server they are written; the name has no time in it.

    :raises NotFound: there is no flow of a slug; the error names it
    :raises Unavailable: the database does not answer
    """
    with store.database.snapshot() as session:
        reach = _Reach(store, session)
        for slug in slugs:
            pk = store.repository(_FLOW).find(session, {"slug": slug})
            if pk is None:
                raise errors.NotFound(slug)
            reach.add(_FLOW, pk)
        reach.follow()
    document = {
        "context": {},
        "entries": [_entry(model, members) for model, members in reach.in_order()],
        "metadata": {
            "labels": {"blueprints.goauthentik.io/generated": "true"},
            "name": f"authentik Export - {', '.join(slugs)}",
        },
        "version": 1,
    }
    text: str = yaml.dump(document, Dumper=_Dumper, default_flow_style=False)
    return text.encode()


class _Reach:
    """Objects, and what they lead to."""

    def __init__(self, store: Store, session: Any) -> None:
        self._store = store
        self._session = session
        self._found: dict[str, tuple[Model, Members]] = {}
        # By pk, the pks of the objects of its collection that it leads to.
        self._leads_to: dict[str, list[str]] = {}
        self._new: list[str] = []

    def add(self, model: str, pk: str) -> None:
        """Add an object, unless it is there."""
        if pk not in self._found:
            members = self._store.repository(model).read(self._session, pk)
            self._found[pk] = (self._store.models[model], members)
            self._new.append(pk)

    def follow(self) -> None:
        """Add all that the objects lead to, and what is bound to them."""
        # The list grows meanwhile.
        for pk in self._new:
            model, members = self._found[pk]
            others = list(_identities(model, members))
            for other in others:
                if other not in self._found and (name := self._store.graph.model_of(self._session, other)) is not None:
                    self.add(name, other)
            for name, binding in self._store.graph.bound_to(self._session, pk):
                self.add(name, binding)
            known = [other for other in others if other in self._found]
            self._leads_to[pk] = [other for other in known if self._found[other][0].collection == model.collection]

    def in_order(self) -> list[tuple[Model, Members]]:
        """The objects, each after those that it leads to; by collection, in the order in which they were reached."""
        while True:
            try:
                pks = list(TopologicalSorter(self._leads_to).static_order())
            except CycleError as error:
                # No order is right for objects that lead to one another: importing them says which reference leads nowhere.
                first, second = error.args[1][:2]
                self._leads_to[second].remove(first)
            else:
                break
        rank = {name: number for number, name in enumerate(_ORDER)}
        return sorted((self._found[pk] for pk in pks), key=lambda found: rank.get(found[0].collection, len(rank)))


def _identities(model: Model, members: Members) -> Iterator[str]:
    """The pks of the objects that an object leads to."""
    for name in model.references:
        value = members.get(name)
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _entry(model: Model, members: Members) -> Members:
    """An object as an entry."""
    identifiers = {name: members[name] for name in ("pk", *_IDENTIFIERS.get(model.collection, ())) if name in members}
    return {
        "attrs": _attrs(model, identifiers, {name: members[name] for name in members if name not in identifiers}),
        "conditions": [],
        "identifiers": identifiers,
        "model": model.name,
        "permissions": [],
        "state": "present",
    }


def _attrs(model: Model, identifiers: Members, members: Members) -> Members:
    """The members that authentik writes: not those that are null, false or empty.

    Those that a new object would not have so by itself are written all the same, or it would not come back as it was.
    """
    written = {name: value for name, value in members.items() if not _is_empty(value)}
    known_by = {name: value for name, value in identifiers.items() if name != "pk"}
    while True:
        try:
            new = model.read_new({**known_by, **written})
        except errors.Invalid as error:
            needed = (error.messages.keys() & members.keys()) - written.keys()
            if not needed:
                return members
        else:
            needed = {name for name in members if name not in written and new.get(name) != members[name]}
            if not needed:
                # White space is taken off what is sent, but not off a default: that one comes back if it is left out.
                altered = {name for name in written if new[name] != members[name] == model.defaults.get(name)}
                return {name: value for name, value in written.items() if name not in altered}
        written |= {name: members[name] for name in needed}


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [])
