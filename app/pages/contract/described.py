"""The schemas of a contract in words, for a page to show: what the YAML says, nothing added."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.contract.document.source import Pointer, Source
from app.pages.contract.places import Place, place_of

_TOLD_APART = frozenset(
    {"$ref", "type", "format", "properties", "required", "description", "items", "example", "x-model"}
)
"""What a page shows elsewhere than among the rules."""


@dataclass(frozen=True)
class Word:
    """A piece of the kind of a value. :param schema: the schema that it is the name of, or empty"""

    text: str
    schema: str = ""


@dataclass(frozen=True)
class Member:
    """A member of an object, or a parameter.

    :param name: its name, with those of the objects around it
    :param kind: what its values are
    :param rules: what its values keep to, keyword by keyword
    """

    name: str
    required: bool
    kind: tuple[Word, ...]
    rules: tuple[tuple[str, str], ...]
    description: str
    place: Place


@dataclass(frozen=True)
class Described:
    """A schema.

    :param extended: the schemas whose members it has as well
    """

    kind: tuple[Word, ...]
    extended: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    description: str
    members: tuple[Member, ...]


def describe(contract: Source, pointer: Pointer, schema: dict[str, Any]) -> Described:
    """A schema of the contract, with the members that it names itself.

    :param pointer: where it stands
    """
    extended = tuple(filter(None, map(_name, schema.get("allOf", ()))))
    return Described(
        kind=kind_of(contract, {key: value for key, value in schema.items() if key != "allOf"}),
        extended=extended,
        rules=rules_of(schema),
        description=schema.get("description", ""),
        members=tuple(_members(contract, pointer, schema, "")),
    )


def kind_of(contract: Source, schema: dict[str, Any]) -> tuple[Word, ...]:
    """What the values of a schema are. A schema with a name goes by it."""
    if name := _name(schema):
        return (Word(name, name),)
    if "$ref" in schema:
        return kind_of(contract, contract.resolve((), schema)[1])
    if "items" in schema:
        return (Word("array of"), *kind_of(contract, schema["items"]))
    for keyword, conjunction in (("allOf", "and"), ("oneOf", "or"), ("anyOf", "or")):
        if "type" not in schema and keyword in schema and all(map(_name, schema[keyword])):
            first, *others = (Word(_name(part), _name(part)) for part in schema[keyword])
            return (first, *(word for other in others for word in (Word(conjunction), other)))
    kind = schema.get("type", "any value")
    return (Word(f"{kind} ({schema['format']})" if "format" in schema else kind),)


def rules_of(schema: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What else a schema says of its values, as the YAML has it. Those of items follow with that in their name."""
    items = schema.get("items", {})
    rules = [(key, value) for key, value in schema.items() if key not in _TOLD_APART and not _names_only(key, value)]
    rules += [(f"items.{key}", value) for key, value in items.items() if key not in _TOLD_APART]
    return tuple(
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for key, value in rules
    )


def _members(contract: Source, pointer: Pointer, schema: dict[str, Any], prefix: str) -> Iterator[Member]:
    """The members of an object, and those of the objects inside that have no name."""
    for name, described in schema.get("properties", {}).items():
        place, member = (*pointer, "properties", name), described
        if not _name(described):
            # A reference to a part of a schema: as if that stood here.
            beside = {key: value for key, value in described.items() if key == "nullable" and "$ref" in described}
            place, member = contract.resolve(place, described)
            member = {**member, **beside} if beside else member
        yield Member(
            name=prefix + name,
            required=name in schema.get("required", ()),
            kind=kind_of(contract, member),
            rules=rules_of(member),
            description=member.get("description", ""),
            place=place_of(contract, place),
        )
        yield from _members(contract, place, member, f"{prefix}{name}.")
        if "items" in member:
            yield from _members(contract, (*place, "items"), member["items"], f"{prefix}{name}[].")


def _name(schema: dict[str, Any]) -> str:
    """The name of the schema that a schema refers to, empty if it is none or has no name."""
    parts = schema.get("$ref", "").split("/")
    return parts[3] if len(parts) == 4 and parts[1:3] == ["components", "schemas"] else ""


def _names_only(key: str, value: Any) -> bool:
    """Whether a keyword holds nothing but names of schemas, which the kind of the values or the page of the schema tells."""
    return key in ("allOf", "oneOf", "anyOf") and all(map(_name, value))
