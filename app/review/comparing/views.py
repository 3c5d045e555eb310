"""What a schema says at last: its `$ref` and `allOf` followed, so that it does not matter how a contract is parted."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from app.contract.source import Pointer, Source

Position = tuple[Pointer, ...]
"""The places of schemas that a value has to fit all together; none admit anything."""

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types that values have. A number is an integer or a fraction."""

_TYPES_BY_KEYWORD = {"number": frozenset({"integer", "fraction"})}


class View:
    """The schemas of a position, taken together.

    :param source: the contract
    :param position: where the schemas stand
    """

    def __init__(self, source: Source, position: Position) -> None:
        self._source = source
        self.position = position
        self._views: dict[Position, View] = {}
        self.parts: list[tuple[Pointer, dict[str, Any]]] = []
        for pointer in position:
            self._collect(pointer, set())

    def _collect(self, pointer: Pointer, seen: set[Pointer]) -> None:
        pointer, schema = self._source.resolve(pointer, self._source.at(pointer))
        if pointer in seen:
            return
        seen.add(pointer)
        for index in range(len(schema.get("allOf", ()))):
            self._collect((*pointer, "allOf", index), seen)
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
        pointer, schema = self._source.resolve(self.place, self._source.at(self.place))
        if pointer[:2] == ("components", "schemas") and len(pointer) == 3:
            return str(pointer[2])
        parts = schema.get("allOf", ())
        if len(parts) == 1 and not {"properties", "enum"} & schema.keys():
            return View(self._source, ((*pointer, "allOf", 0),)).name
        return None

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of the values that are admitted."""
        admitted = TYPES
        for _, schema in self.parts:
            admitted &= _types(schema)
        if self.enum is not None:
            admitted &= {type_of(value) for _, value in self.enum.values()}
        return admitted

    @cached_property
    def is_typed(self) -> bool:
        """Whether not just any value is admitted."""
        return any("type" in schema or "enum" in schema for _, schema in self.parts)

    @cached_property
    def enum(self) -> dict[str, tuple[Pointer, Any]] | None:
        """The values that are admitted, by their text, each with its place; None if they are not listed."""
        admitted: dict[str, tuple[Pointer, Any]] | None = None
        for pointer, values in self.every("enum"):
            own = {repr(value): ((*pointer, index), value) for index, value in enumerate(values)}
            admitted = own if admitted is None else {text: own[text] for text in admitted if text in own}
        if admitted is None:
            return None
        typed = TYPES
        for _, schema in self.parts:
            typed &= _types(schema)
        return {text: found for text, found in admitted.items() if type_of(found[1]) in typed}

    @cached_property
    def members(self) -> dict[str, Position]:
        """The members of an object, by name."""
        found: dict[str, Position] = {}
        for pointer, members in self.every("properties"):
            for name in members:
                found[name] = (*found.get(name, ()), (*pointer, name))
        return found

    @cached_property
    def required(self) -> dict[str, Pointer]:
        """The members that must be there, each with the place that says so."""
        return {
            name: (*pointer, index) for pointer, names in self.every("required") for index, name in enumerate(names)
        }

    @cached_property
    def others(self) -> Position | None:
        """What further members of an object must be; None if there may be none."""
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
            self._views[position] = View(self._source, position)
        return self._views[position]

    def alternatives(self, keyword: str) -> Iterator[tuple[Pointer, list[Position]]]:
        """Each list of `anyOf` or `oneOf`, and where it stands."""
        for pointer, schemas in self.every(keyword):
            yield pointer, [((*pointer, index),) for index in range(len(schemas))]


def _types(schema: dict[str, Any]) -> frozenset[str]:
    if "type" not in schema:
        return TYPES
    named = _TYPES_BY_KEYWORD.get(schema["type"], frozenset({schema["type"]}))
    return named | {"null"} if schema.get("nullable") is True else named


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
            return "fraction"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
