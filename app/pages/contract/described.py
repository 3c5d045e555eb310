"""Descriptions of the schemas of a contract for pages: the YAML in words, nothing added."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.pages.contract.places import Place, place_of

_DISTINCT = frozenset(
    {"$ref", "type", "format", "properties", "required", "description", "items", "enum", "example", "x-model"}
)
"""Keywords that a page shows outside of the rules."""

_FOLDED = frozenset({"pattern", "not"})
"""Keywords for programs, which a page folds away, as it does extensions."""


@dataclass(frozen=True)
class Word:
    """A part of the type of a value. :param schema: the name of the schema, or empty"""

    text: str
    schema: str = ""


@dataclass(frozen=True)
class Rules:
    """The restrictions of a value: keywords, as in the YAML.

    :param values: the values of an enum
    :param folded: keywords that few readers need
    """

    values: tuple[str, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    folded: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Property:
    """A property of an object, or a parameter.

    :param name: its name, prefixed with those of the enclosing objects
    :param kind: the type of its values
    """

    name: str
    required: bool
    kind: tuple[Word, ...]
    rules: Rules
    description: str
    place: Place


@dataclass(frozen=True)
class Described:
    """A description of a schema.

    :param extended: the schemas whose properties it inherits
    """

    kind: tuple[Word, ...]
    extended: tuple[str, ...]
    rules: Rules
    description: str
    properties: tuple[Property, ...]


def describe(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Described:
    """Describe a schema of the contract, with its own properties.

    :param pointer: its place
    """
    extended = tuple(filter(None, map(_name, schema.get("allOf", ()))))
    return Described(
        kind=kind_of(contract, {key: value for key, value in schema.items() if key != "allOf"}),
        extended=extended,
        rules=rules_of(contract, schema),
        description=schema.get("description", ""),
        properties=tuple(_properties(contract, pointer, schema, "")),
    )


def kind_of(contract: Contract, schema: dict[str, Any]) -> tuple[Word, ...]:
    """The type of the values of a schema: its name, if it has one."""
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


def rules_of(contract: Contract, schema: dict[str, Any]) -> Rules:
    """The other keywords of a schema. Those of items follow, with this in their name."""
    items = schema.get("items", {})
    rules = [(key, value) for key, value in schema.items() if key not in _DISTINCT and not _names_only(key, value)]
    rules += [(f"items.{key}", value) for key, value in items.items() if key not in _DISTINCT]
    texts = [(key, _text(value)) for key, value in rules]
    return Rules(
        tuple(map(_text, _values(contract, schema) or _values(contract, items))),
        tuple(rule for rule in texts if not _is_folded(rule[0])),
        tuple(rule for rule in texts if _is_folded(rule[0])),
    )


def _values(contract: Contract, schema: dict[str, Any]) -> list[Any]:
    """The values of an enum, or of the enum that a schema refers to."""
    if "$ref" in schema:
        return _values(contract, contract.resolve((), schema)[1])
    values: list[Any] = schema.get("enum", [])
    for part in schema.get("allOf", ()):
        values = values or _values(contract, part)
    return values


def _is_folded(keyword: str) -> bool:
    name = keyword.removeprefix("items.")
    return name in _FOLDED or name.startswith("x-")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _properties(contract: Contract, pointer: Pointer, schema: dict[str, Any], prefix: str) -> Iterator[Property]:
    """The properties of an object, and those of nested objects without a name."""
    for name, described in schema.get("properties", {}).items():
        place, property_schema = (*pointer, "properties", name), described
        if not _name(described):
            # A reference to a part of a schema is shown like that part.
            beside = {key: value for key, value in described.items() if key == "nullable" and "$ref" in described}
            place, property_schema = contract.resolve(place, described)
            property_schema = {**property_schema, **beside} if beside else property_schema
        yield Property(
            name=prefix + name,
            required=name in schema.get("required", ()),
            kind=kind_of(contract, property_schema),
            rules=rules_of(contract, property_schema),
            description=property_schema.get("description", ""),
            place=place_of(contract, place),
        )
        yield from _properties(contract, place, property_schema, f"{prefix}{name}.")
        if "items" in property_schema:
            yield from _properties(contract, (*place, "items"), property_schema["items"], f"{prefix}{name}[].")


def _name(schema: dict[str, Any]) -> str:
    """The name of the schema that a schema refers to, empty if there is none."""
    parts = schema.get("$ref", "").split("/")
    return parts[3] if len(parts) == 4 and parts[1:3] == ["components", "schemas"] else ""


def _names_only(key: str, value: Any) -> bool:
    """Whether a keyword only has names of schemas, which the type or the page of the schema shows."""
    return key in ("allOf", "oneOf", "anyOf") and all(map(_name, value))
