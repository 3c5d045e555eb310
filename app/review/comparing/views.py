"""Effective schemas: with `$ref` and `allOf` resolved, so that the structure of a contract does not matter."""

import re
from fractions import Fraction
from functools import cached_property
from typing import Any

from app.contract.document.contract import Contract, Pointer, parse_reference
from app.review.comparing.differences import shown

Position = tuple[Pointer, ...]
"""The places of schemas that a value has to match all; without any, no value is valid."""

Group = tuple[str, Pointer, list[Position]]
"""A list of alternatives: its keyword, its place, and the alternatives."""

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types of values. A number is an integer or a fraction."""

_TYPES_BY_KEYWORD = {"number": frozenset({"integer", "fraction"})}

_COMPOSING = ("allOf", "anyOf", "oneOf")

# Keywords without an effect on values, and `nullable`, which is handled separately.
_SAYING_NOTHING = frozenset(
    {
        "anyOf", "oneOf", "discriminator", "nullable", "description", "title", "example", "externalDocs", "deprecated",
        "default", "readOnly", "writeOnly",
    }
)  # fmt: skip


def resolved(contract: Contract, position: Position) -> Position:
    """Resolve a position, as far as a `$ref` has no keywords beside it."""
    return tuple(_followed(contract, pointer) for pointer in position)


def _followed(contract: Contract, pointer: Pointer) -> Pointer:
    while (node := contract.at(pointer)).keys() == {"$ref"}:
        pointer = parse_reference(node["$ref"])
    return pointer


class View:
    """The combined schemas of a position.

    :param contract: the contract
    :param position: the places of the schemas
    """

    def __init__(self, contract: Contract, position: Position) -> None:
        self._contract = contract
        self.position = position
        self._views: dict[Position, View] = {}
        self.parts: list[tuple[Pointer, dict[str, Any]]] = []
        self.beside: dict[str, tuple[Pointer, Any]] = {}
        for pointer in position:
            self._collect(pointer, set())

    def _collect(self, pointer: Pointer, seen: set[Pointer]) -> None:
        schema = self._contract.at(pointer)
        if pointer in seen:
            return
        seen.add(pointer)
        if isinstance(schema.get("$ref"), str):
            self._collect(parse_reference(schema["$ref"]), seen)
            if schema.get("nullable") is True:
                self.parts.append((pointer, {"nullable": True}))
            # OpenAPI 3.0.3 ignores all other keywords beside a reference.
            ignored = schema.keys() - {"$ref", "nullable", "description", "title", "example"}
            self.beside |= {keyword: ((*pointer, keyword), schema[keyword]) for keyword in sorted(ignored)}
            return
        for keyword in _COMPOSING:
            if keyword == "allOf" or len(schema.get(keyword, ())) == 1:
                for index in range(len(schema.get(keyword, ()))):
                    self._collect((*pointer, keyword, index), seen)
        self.parts.append((pointer, schema))

    def every(self, keyword: str) -> list[tuple[Pointer, Any]]:
        """All values of a keyword, each with its place."""
        return [((*pointer, keyword), schema[keyword]) for pointer, schema in self.parts if keyword in schema]

    def last(self, keyword: str) -> tuple[Pointer, Any] | None:
        """The value of a keyword with a single one: a schema's own overrides those of its parts."""
        return next(reversed(self.every(keyword)), None)

    @cached_property
    def place(self) -> Pointer:
        """The place of the whole."""
        return self.position[0] if self.position else ()

    @cached_property
    def name(self) -> str | None:
        """The name of the type in generated clients: that of the component, if it is a single one."""
        if len(self.position) != 1:
            return None
        pointer, schema = self._contract.resolve(self.place, self._contract.at(self.place))
        if pointer[:2] == ("components", "schemas") and len(pointer) == 3:
            return str(pointer[2])
        if not {"properties", "enum"} & schema.keys():
            keywords = [keyword for keyword in _COMPOSING if keyword in schema]
            if len(keywords) == 1 and len(schema[keywords[0]]) == 1:
                return View(self._contract, ((*pointer, keywords[0], 0),)).name
        return None

    @cached_property
    def whole(self) -> list[dict[str, Any]]:
        """All schemas, for a digest."""
        return [schema for _, schema in self.parts]

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of the valid values."""
        admitted = self._types
        if self.enum is not None:
            admitted &= {type_of(value) for _, value in self.enum.values()}
        return admitted | {"null"} if self.admits_null else admitted - {"null"}

    @cached_property
    def _types(self) -> frozenset[str]:
        admitted = TYPES - {"null"}
        for _, schema in self.parts:
            admitted &= _types(schema)
        return admitted

    @cached_property
    def is_typed(self) -> bool:
        """Whether it restricts values at all."""
        return any("type" in schema or "enum" in schema for _, schema in self.parts) or any(
            all(self.view(position).is_typed for position in positions) for _, _, positions in self.groups
        )

    @cached_property
    def admits_null(self) -> bool:
        """Whether null is valid. `nullable` beside a `$ref`, an `allOf` or the like adds null, as for client generators."""
        return all(self._admits_null(pointer, frozenset()) for pointer in self.position)

    def _admits_null(self, pointer: Pointer, seen: frozenset[Pointer]) -> bool:
        if pointer in seen:
            return True
        seen |= {pointer}
        schema = self._contract.at(pointer)
        if "enum" in schema and None not in schema["enum"]:
            return False
        nullable = schema.get("nullable") is True
        if isinstance(schema.get("$ref"), str):
            return nullable or self._admits_null(parse_reference(schema["$ref"]), seen)
        composing = [keyword for keyword in _COMPOSING if keyword in schema]
        if nullable and composing:
            return True
        return (nullable or "type" not in schema) and all(
            (all if keyword == "allOf" else any)(
                self._admits_null((*pointer, keyword, index), seen) for index in range(len(schema[keyword]))
            )
            for keyword in composing
        )

    @cached_property
    def enum(self) -> dict[str, tuple[Pointer, Any]] | None:
        """The valid values other than null, by their text, each with its place; None without an enum."""
        admitted: dict[str, tuple[Pointer, Any]] | None = None
        for pointer, values in self.every("enum"):
            own = {shown(value): ((*pointer, index), value) for index, value in enumerate(values) if value is not None}
            admitted = own if admitted is None else {text: own[text] for text in admitted if text in own}
        if admitted is None:
            return None
        return {text: found for text, found in admitted.items() if self.admits(found[1])}

    def admits(self, value: Any) -> bool:
        """Whether a value is valid by types, limits and patterns."""
        return type_of(value) in self._types and all(_is_within(value, schema) for _, schema in self.parts)

    @cached_property
    def properties(self) -> dict[str, Position]:
        """The properties of an object, by name."""
        found: dict[str, Position] = {}
        for pointer, properties in self.every("properties"):
            for name in properties:
                found[name] = (*found.get(name, ()), (*pointer, name))
        return found

    @cached_property
    def required(self) -> dict[str, Pointer]:
        """The required properties, each with the place of its requirement."""
        return {
            name: (*pointer, index) for pointer, names in self.every("required") for index, name in enumerate(names)
        }

    @cached_property
    def others(self) -> Position | None:
        """The schemas of additional properties of an object; None if they are not allowed."""
        found: Position = ()
        for pointer, schema in self.every("additionalProperties"):
            if schema is False:
                return None
            if schema is not True and schema != {}:
                found = (*found, pointer)
        return found

    @cached_property
    def items(self) -> Position:
        """The schemas of the items of an array."""
        return tuple(pointer for pointer, _ in self.every("items"))

    def view(self, position: Position) -> "View":
        """The view of another position of the same contract."""
        if position not in self._views:
            self._views[position] = View(self._contract, position)
        return self._views[position]

    @cached_property
    def groups(self) -> list[Group]:
        """All lists of alternatives: keyword, place, and alternatives. A list of one is like an `allOf`."""
        return [
            (keyword, (*pointer, keyword), [((*pointer, keyword, index),) for index in range(len(schema[keyword]))])
            for keyword in ("anyOf", "oneOf")
            for pointer, schema in self.parts
            if len(schema.get(keyword, ())) > 1
        ]

    @cached_property
    def listed(self) -> dict[str, tuple[Pointer, Any]] | None:
        """The valid values other than null, if the view has only alternatives, each with an enum."""
        if len(self.groups) != 1 or self.says_more:
            return None
        keyword, _, positions = self.groups[0]
        lists = [self.view(position).enum for position in positions]
        every = [text for values in lists if values is not None for text in values]
        if None in lists or (keyword == "oneOf" and len(set(every)) < len(every)):
            return None
        return {text: found for values in lists if values is not None for text, found in values.items()}

    @cached_property
    def says_more(self) -> bool:
        """Whether keywords other than alternatives restrict values."""
        return any(
            keyword not in _SAYING_NOTHING and not keyword.startswith("x-")
            for _, schema in self.parts
            for keyword in schema
        )


def _is_within(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a scalar value is within the limits of a schema."""
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)) and _matches(
            value, schema.get("pattern")
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    least, most, multiple = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    return (
        (least is None or value > least or (value == least and schema.get("exclusiveMinimum") is not True))
        and (most is None or value < most or (value == most and schema.get("exclusiveMaximum") is not True))
        and (multiple is None or exact(value) % exact(multiple) == 0)
    )


def _matches(value: str, pattern: str | None) -> bool:
    """Whether a text matches a pattern; always, if the pattern is valid by ECMA 262 but not in Python."""
    try:
        return pattern is None or re.search(pattern, value) is not None
    except re.error:
        return True


def exact(number: float) -> Fraction:
    """A number as the exact fraction."""
    return Fraction(str(number))


def _types(schema: dict[str, Any]) -> frozenset[str]:
    if "type" not in schema:
        return TYPES
    return _TYPES_BY_KEYWORD.get(schema["type"], frozenset({schema["type"]}))


def type_of(value: Any) -> str:
    """The type of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "fraction"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
