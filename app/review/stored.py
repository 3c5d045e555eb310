"""The effect of a change of the contract on stored objects."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Location
from app.domain import Model
from app.store.engine.database import Database
from app.store.queries.object_views import ObjectRow
from app.store.upkeep.scanning import StoredRow, every_row
from app.stored import NO_MODEL, StoreChecker, Violation

ADMITTED = frozenset({"default", "left-out", "removed"})
"""The effects on objects that stay valid by the new contract."""

# The maximum length of a shown default.
_SHOWN = 60


class _Kind(NamedTuple):
    """The common part of all objects that a change affects in one way."""

    model: str
    property: str
    effect: str
    pointer: Pointer


@dataclass(frozen=True)
class Effect:
    """An effect of a change on the stored objects of a model.

    :param model: the model
    :param property: the property; empty for whole objects
    :param effect: the violated keyword; or `default`, `left-out`, `removed`
    :param objects: the number of affected objects
    :param what: the consequence, one sentence
    :param location: in the new contract
    """

    model: str
    property: str
    effect: str
    objects: int
    what: str
    location: Location


@dataclass(frozen=True)
class StoredEffects:
    """The effects of a change on the objects of a store.

    :param objects: the number of objects
    :param affected: the number of affected ones
    :param effects: those with most objects first
    """

    objects: int
    affected: int
    effects: Sequence[Effect]

    def __str__(self) -> str:
        return f"This change affects {self.affected} of {self.objects} stored objects."


def compare_stored(old: Contract, new: Contract, database: Database) -> StoredEffects:
    """Compare stored objects by two contracts.

    :param old: the active contract
    :param new: the proposed contract, which has passed the boot checks
    :raises Unavailable: the database does not respond
    """
    before, after = StoreChecker(old), StoreChecker(new)
    objects = affected = 0
    counts: dict[_Kind, int] = {}
    messages: dict[_Kind, str] = {}
    for stored in every_row(database):
        objects += 1
        found = dict([*_violations(before, after, stored), *_differences(before, after, stored)])
        affected += bool(found)
        for kind, message in found.items():
            counts[kind] = counts.get(kind, 0) + 1
            messages.setdefault(kind, message)
    effects = [
        Effect(*kind[:3], count, f"{_objects(count)} of `{kind.model}` {messages[kind]}", new.locate(kind.pointer))
        for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0][:3]))
    ]
    return StoredEffects(objects, affected, effects)


def _violations(before: StoreChecker, after: StoreChecker, stored: StoredRow) -> Iterator[tuple[_Kind, str]]:
    """The violations of the new contract, but not of the old one, by an object."""
    found = after.violations(stored)
    if not found:
        return
    known = {(one.property, one.rule) for one in before.violations(stored)}
    for one in found:
        if (one.property, one.rule) not in known:
            yield _Kind(one.model, one.property, one.rule, one.pointer), _message(one)


def _message(violation: Violation) -> str:
    if violation.rule == NO_MODEL:
        return "would have no model in the contract, and be shown by the lists of all kinds only."
    if violation.rule == "required":
        return f"would be answered without `{violation.property}`, which is required."
    name = f"`{violation.property}`" if violation.property else "it"
    return f"would be answered as stored although {name} violates `{violation.rule}`, such as {violation.value}."


def _differences(before: StoreChecker, after: StoreChecker, stored: StoredRow) -> Iterator[tuple[_Kind, str]]:
    """The differences between the representations of a valid object by both contracts."""
    if not isinstance(row := stored.row, ObjectRow):
        return
    old, new = before.models.get(row.model), after.models.get(row.model)
    if old is None or new is None:
        return
    own = {"name", *orjson.loads(row.properties), *(property_name for property_name, _ in orjson.loads(row.references))}
    for name in new.in_responses:
        if name in own or name in new.references or _unstored(old, name) == (value := _unstored(new, name)):
            continue
        pointer = after.place_of(new, name)
        if value:
            text = json.dumps(value[0], ensure_ascii=False)
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            yield _Kind(row.model, name, "default", pointer), f"would be answered the default of `{name}`, {shown}."
        elif name in new.properties and not after.requires(new, name):
            yield _Kind(row.model, name, "left-out", pointer), f"would be answered without `{name}`: it has no default."
    for name in old.in_responses:
        if name in own and name not in new.in_responses:
            kind = _Kind(row.model, name, "removed", after.place_of(new, name))
            yield kind, f"would be answered without `{name}`; its value stays in the store."


def _unstored(model: Model, name: str) -> Sequence[Any] | None:
    """The default of a property that is not stored, in a list; empty if it has none, None if the model has no such property."""
    if name not in model.in_responses:
        return None
    return (model.unstored[name],) if name in model.unstored else ()


def _objects(count: int) -> str:
    return "1 stored object" if count == 1 else f"{count} stored objects"
