"""The schemas of a contract in words, for a page to show: what the YAML says, nothing added."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.pages.contract.places import Place, place_of

_DISTINCT = frozenset(
    {"$ref", "type", "format", "properties", "required", "description", "items", "example", "x-model"}
)
"""What a page shows elsewhere than among the rules."""


@dataclass(frozen=True)
class Word:
    """A piece of the kind of a value. :param schema: the schema that it is the name of, or empty"""

    text: str
    schema: str = ""


@dataclass(frozen=True)
class Property:
    """A property of an object, or a parameter.

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

    :param extended: the schemas whose properties it has as well
    """

    kind: tuple[Word, ...]
    extended: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    description: str
    properties: tuple[Property, ...]


def describe(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Described:
    """A schema of the contract, with the properties that it names itself.

    :param pointer: where it stands
    """
    extended = tuple(filter(None, map(_name, schema.get("allOf", ()))))
    return Described(
        kind=kind_of(contract, {key: value for key, value in schema.items() if key != "allOf"}),
        extended=extended,
        rules=rules_of(schema),
        description=schema.get("description", ""),
        properties=tuple(_properties(contract, pointer, schema, "")),
    )


def kind_of(contract: Contract, schema: dict[str, Any]) -> tuple[Word, ...]:
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
    rules = [(key, value) for key, value in schema.items() if key not in _DISTINCT and not _names_only(key, value)]
    rules += [(f"items.{key}", value) for key, value in items.items() if key not in _DISTINCT]
    return tuple(
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for key, value in rules
    )


def _properties(contract: Contract, pointer: Pointer, schema: dict[str, Any], prefix: str) -> Iterator[Property]:
    """The properties of an object, and those of the objects inside that have no name."""
    for name, described in schema.get("properties", {}).items():
        place, property_schema = (*pointer, "properties", name), described
        if not _name(described):
            # A reference to a part of a schema: as if that stood here.
            beside = {key: value for key, value in described.items() if key == "nullable" and "$ref" in described}
            place, property_schema = contract.resolve(place, described)
            property_schema = {**property_schema, **beside} if beside else property_schema
        yield Property(
            name=prefix + name,
            required=name in schema.get("required", ()),
            kind=kind_of(contract, property_schema),
            rules=rules_of(property_schema),
            description=property_schema.get("description", ""),
            place=place_of(contract, place),
        )
        yield from _properties(contract, place, property_schema, f"{prefix}{name}.")
        if "items" in property_schema:
            yield from _properties(contract, (*place, "items"), property_schema["items"], f"{prefix}{name}[].")


def _name(schema: dict[str, Any]) -> str:
    """The name of the schema that a schema refers to, empty if it is none or has no name."""
    parts = schema.get("$ref", "").split("/")
    return parts[3] if len(parts) == 4 and parts[1:3] == ["components", "schemas"] else ""


def _names_only(key: str, value: Any) -> bool:
    """Whether a keyword holds nothing but names of schemas, which the kind of the values or the page of the schema tells."""
    return key in ("allOf", "oneOf", "anyOf") and all(map(_name, value))
