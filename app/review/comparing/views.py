"""What a schema says at last: its `$ref` and `allOf` followed, so that it does not matter how a contract is parted."""

import re
from fractions import Fraction
from functools import cached_property
from typing import Any

from app.contract.document.contract import Contract, Pointer, parse_reference
from app.review.comparing.differences import shown

Position = tuple[Pointer, ...]
"""The places of schemas that a value has to fit all together; none admit anything."""

Group = tuple[str, Pointer, list[Position]]
"""A list of alternatives: its keyword, its place, and the alternatives."""

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types that values have. A number is an integer or a fraction."""

_TYPES_BY_KEYWORD = {"number": frozenset({"integer", "fraction"})}

_COMPOSING = ("allOf", "anyOf", "oneOf")

# Keywords that say nothing of a value, and `nullable`, which is looked at by itself.
_SAYING_NOTHING = frozenset(
    {
        "anyOf", "oneOf", "discriminator", "nullable", "description", "title", "example", "externalDocs", "deprecated",
        "default", "readOnly", "writeOnly",
    }
)  # fmt: skip


def resolved(contract: Contract, position: Position) -> Position:
    """The position that another one leads to, as far as nothing stands beside a `$ref`."""
    return tuple(_followed(contract, pointer) for pointer in position)


def _followed(contract: Contract, pointer: Pointer) -> Pointer:
    while (node := contract.at(pointer)).keys() == {"$ref"}:
        pointer = parse_reference(node["$ref"])
    return pointer


class View:
    """The schemas of a position, taken together.

    :param contract: the contract
    :param position: where the schemas stand
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
            # OpenAPI 3.0.3 ignores all else beside a reference.
            ignored = schema.keys() - {"$ref", "nullable", "description", "title", "example"}
            self.beside |= {keyword: ((*pointer, keyword), schema[keyword]) for keyword in sorted(ignored)}
            return
        for keyword in _COMPOSING:
            if keyword == "allOf" or len(schema.get(keyword, ())) == 1:
                for index in range(len(schema.get(keyword, ()))):
                    self._collect((*pointer, keyword, index), seen)
        self.parts.append((pointer, schema))

    def every(self, keyword: str) -> list[tuple[Pointer, Any]]:
        """Each value that a keyword has, and where."""
        return [((*pointer, keyword), schema[keyword]) for pointer, schema in self.parts if keyword in schema]

    def last(self, keyword: str) -> tuple[Pointer, Any] | None:
        """The value of a keyword that can have one only: a schema's own goes before those of its parts."""
        return next(reversed(self.every(keyword)), None)

    @cached_property
    def place(self) -> Pointer:
        """Where the whole stands."""
        return self.position[0] if self.position else ()

    @cached_property
    def name(self) -> str | None:
        """What generated clients call the type: the component's name, if it is one alone."""
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
        """All that is said, for a digest."""
        return [schema for _, schema in self.parts]

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of the values that are admitted."""
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
        """Whether not just any value is admitted."""
        return any("type" in schema or "enum" in schema for _, schema in self.parts) or any(
            all(self.view(position).is_typed for position in positions) for _, _, positions in self.groups
        )

    @cached_property
    def admits_null(self) -> bool:
        """Whether null is admitted. `nullable` beside a `$ref`, an `allOf` or their like is read as generators read it: or null."""
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
        """The values that are admitted but for null, by their text, each with its place; None if they are not listed."""
        admitted: dict[str, tuple[Pointer, Any]] | None = None
        for pointer, values in self.every("enum"):
            own = {shown(value): ((*pointer, index), value) for index, value in enumerate(values) if value is not None}
            admitted = own if admitted is None else {text: own[text] for text in admitted if text in own}
        if admitted is None:
            return None
        return {text: found for text, found in admitted.items() if self.admits(found[1])}

    def admits(self, value: Any) -> bool:
        """Whether a value is within the types, limits and patterns."""
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
        """The properties that must be there, each with the place that says so."""
        return {
            name: (*pointer, index) for pointer, names in self.every("required") for index, name in enumerate(names)
        }

    @cached_property
    def others(self) -> Position | None:
        """What further properties of an object must be; None if there may be none."""
        found: Position = ()
        for pointer, schema in self.every("additionalProperties"):
            if schema is False:
                return None
            if schema is not True and schema != {}:
                found = (*found, pointer)
        return found

    @cached_property
    def items(self) -> Position:
        """What the items of an array must be."""
        return tuple(pointer for pointer, _ in self.every("items"))

    def view(self, position: Position) -> "View":
        """The view of another position of the same contract."""
        if position not in self._views:
            self._views[position] = View(self._contract, position)
        return self._views[position]

    @cached_property
    def groups(self) -> list[Group]:
        """Each list of alternatives: its keyword, where it stands, and the alternatives. A list of one is like an `allOf`."""
        return [
            (keyword, (*pointer, keyword), [((*pointer, keyword, index),) for index in range(len(schema[keyword]))])
            for keyword in ("anyOf", "oneOf")
            for pointer, schema in self.parts
            if len(schema.get(keyword, ())) > 1
        ]

    @cached_property
    def listed(self) -> dict[str, tuple[Pointer, Any]] | None:
        """The values that are admitted but for null, if the only thing that is said is alternatives each of which lists them."""
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
        """Whether anything but its alternatives says what a value must be."""
        return any(
            keyword not in _SAYING_NOTHING and not keyword.startswith("x-")
            for _, schema in self.parts
            for keyword in schema
        )


def _is_within(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value that is no object and no list is within the limits of a schema."""
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
    """Whether a text has a pattern; so it is if the pattern is one of ECMA 262 that Python does not read."""
    try:
        return pattern is None or re.search(pattern, value) is not None
    except re.error:
        return True


def exact(number: float) -> Fraction:
    """A number as it is written."""
    return Fraction(str(number))


def _types(schema: dict[str, Any]) -> frozenset[str]:
    if "type" not in schema:
        return TYPES
    return _TYPES_BY_KEYWORD.get(schema["type"], frozenset({schema["type"]}))


def type_of(value: Any) -> str:
    """The type of a value of JSON."""
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
