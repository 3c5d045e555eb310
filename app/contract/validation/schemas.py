"""Conversion of OpenAPI 3.0 schemas to JSON Schema, for requests and for responses.

OpenAPI 3.0 has its own dialect (OpenAPI 3.0.3, "Schema Object"), nearest to JSON Schema's Draft 4: `exclusive*` are booleans, and
1.0 is not an integer, on which strict clients depend. `nullable`, `readOnly` and `writeOnly` are converted, and keys beside a
`$ref` are ignored except `nullable`. Recursive schemas remain recursive: each component becomes one definition, and another one
that also admits null.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, cast

import jsonschema_rs
import orjson

from app.contract.document.contract import Contract, Pointer, cached, parse_reference

# Keywords of OpenAPI that do not restrict an instance, or that are converted below.
_NOT_ASSERTED = frozenset(
    {
        "nullable", "readOnly", "writeOnly", "discriminator", "xml", "externalDocs", "example", "deprecated",
        "description", "title", "default",
    }
)  # fmt: skip
# RFC 9562, section 4, in either case.
UUID_PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

_TEXT, _INTEGER, _NUMBER = ("string",), ("integer",), ("number",)
FORMATS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("date", "date-time", "time", "email", "idn-email", "hostname", "ipv4", "ipv6", "uri"), _TEXT),
    **dict.fromkeys(("uuid", "regex", "byte", "binary", "password"), _TEXT),
    **dict.fromkeys(("int32", "int64"), _INTEGER),
    **dict.fromkeys(("float", "double"), _NUMBER),
}
"""The formats that are validated or documented, with the types of their values (OpenAPI 3.0.3, "Data Types")."""

# Formats that Draft 4 does not define, as keywords.
_BY_KEYWORDS: Mapping[str, dict[str, Any]] = {
    "uuid": {"pattern": UUID_PATTERN},
    "byte": {"pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"},
    "int32": {"minimum": -(2**31), "maximum": 2**31 - 1},
    "int64": {"minimum": -(2**63), "maximum": 2**63 - 1},
}

# The suffix of the definition that admits null besides the values of a component.
_OR_NULL = ";null"
_NULL = {"enum": [None]}

_MAPS_OF_SCHEMAS = frozenset({"properties"})
_SCHEMAS = frozenset({"items", "additionalProperties", "not"})
_LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf"})

# A regex engine whose time is linear in the text; it supports neither lookaround nor backreferences.
PATTERNS = jsonschema_rs.RegexOptions()


class Direction(Enum):
    """The direction of the data. Its value is the keyword of properties that are excluded."""

    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


class SchemaReader:
    """Converter of the schemas of one contract for one direction.

    :param contract: the contract
    :param direction: whether the schemas describe requests or responses
    """

    def __init__(self, contract: Contract, direction: Direction) -> None:
        self._contract = contract
        self._direction = direction
        # The same schemas are converted repeatedly, at boot alone by the checks and by each plan.
        self._definitions: dict[str, _Definition] = contract.definitions[direction.name]
        self._validators: dict[Any, _Compiled] = contract.validators[direction.name]
        self._reusable: dict[Any, _Compiled] = contract.reusable[direction.name]
        # A client may send back read-only properties, which are ignored; the server never returns a secret.
        self._foreign: dict[str, Any] = {} if direction is Direction.REQUEST else {"not": {}}

    def json_schema(self, schema: Any) -> dict[str, Any]:
        """The JSON Schema of an OpenAPI schema, with all definitions it refers to. Never to be changed."""
        names: set[str] = set()
        root = self._translate(schema, names)
        definitions: dict[str, Any] = {}
        while names:
            name = names.pop()
            definition = self._definition(name)
            definitions[name] = definition.schema
            names |= definition.names - definitions.keys()
        return {**root, "definitions": definitions} if definitions else root

    def findings(self, schema: Any) -> Iterator[jsonschema_rs.ValidationError]:
        """The errors in a schema itself, not in those it refers to, that prevent its compilation."""
        reference = schema.get("$ref")
        own = self._definition(reference.removeprefix("#/")).schema if reference else self._translate(schema, set())
        return _meta_schema().iter_errors(own)

    def validator(self, schema: Any) -> jsonschema_rs.Validator:
        """A compiled validator of an OpenAPI schema that asserts formats. Equal schemas of a contract share one.

        :raises ValueError: the schema can't be compiled
        """
        key = schema["$ref"] if "$ref" in schema and "nullable" not in schema else orjson.dumps(schema)
        compiled = self._validators.get(key)
        if compiled is None:
            compiled = self._reusable.get(key) or self._compile(schema)
            self._validators[key] = compiled
        return compiled.validator

    def _compile(self, schema: Any) -> "_Compiled":
        translated = self.json_schema(schema)
        validator = jsonschema_rs.Draft4Validator(translated, validate_formats=True, pattern_options=PATTERNS)
        return _Compiled(validator, frozenset(translated.get("definitions", ())))

    def _definition(self, name: str) -> "_Definition":
        if name not in self._definitions:
            names: set[str] = set()
            schema = self._translate(self._contract.at(pointer_of(name)), names, null=name.endswith(_OR_NULL))
            self._definitions[name] = _Definition(schema, frozenset(names))
        return self._definitions[name]

    def _translate(self, schema: Any, names: set[str], *, null: bool = False) -> dict[str, Any]:
        """Convert one schema to JSON Schema.

        :param names: gets the names of the definitions that it depends on
        :param null: whether it has to admit null, as its parent schema does
        """
        if isinstance(reference := schema.get("$ref"), str):
            name = reference.removeprefix("#/") + (_OR_NULL if null or schema.get("nullable") is True else "")
            names.add(name)
            return {"$ref": "#/definitions/" + name.replace("~", "~0").replace("/", "~1")}
        nullable = null or schema.get("nullable") is True
        result: dict[str, Any] = {}
        for keyword, value in schema.items():
            # Validators ignore the messages; the formatter looks them up.
            if keyword in _NOT_ASSERTED or (keyword.startswith("x-") and keyword != "x-messages"):
                continue
            if keyword in _MAPS_OF_SCHEMAS:
                value = {
                    name: self._foreign
                    if self._is_foreign(property_schema, names)
                    else self._translate(property_schema, names)
                    for name, property_schema in value.items()
                }
            elif keyword in _SCHEMAS and isinstance(value, dict):
                value = self._translate(value, names)
            elif keyword in _LISTS_OF_SCHEMAS:
                value = [
                    self._translate(property_schema, names, null=nullable and keyword == "allOf")
                    for property_schema in value
                ]
            elif keyword == "required":
                value = self._required(schema, names)
                if not value:
                    # Draft 4 permits no empty list here.
                    continue
            result[keyword] = value
        if (also := _BY_KEYWORDS.get(result.get("format", ""))) is not None:
            result["allOf"] = [*result.get("allOf", ()), also]
        return self._or_null(schema, result, within=null) if nullable else result

    def _required(self, schema: dict[str, Any], names: set[str]) -> list[str]:
        # A property that is required here may be defined in a part.
        parts = schema_properties(self._contract, schema) if "allOf" in schema else {}
        properties = {
            **{name: property_schema for name, (_, property_schema) in parts.items()},
            **schema.get("properties", {}),
        }
        return [name for name in schema["required"] if not self._is_foreign(properties.get(name, {}), names)]

    def _or_null(self, schema: Any, result: dict[str, Any], *, within: bool) -> dict[str, Any]:
        """A converted schema that also admits null; all parts of its `allOf` already do.

        In OpenAPI 3.0.3 `nullable` extends the `type` beside it, and an `enum` beside it must list null itself. All generators read
        `nullable` beside `allOf` and the like as nullable.

        :param within: whether the parent schema is nullable
        """
        if isinstance(schema.get("type"), str):
            result["type"] = [schema["type"], "null"]
        if within and None not in schema.get("enum", (None,)):
            result["enum"] = [*schema["enum"], None]
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema and not any(admits_null(self._contract, part) for part in schema[keyword]):
                result[keyword] = [*result[keyword], _NULL]
        if "not" in schema:
            result["not"] = {"allOf": [result["not"], {"not": _NULL}]}
        return result

    def _is_foreign(self, property_schema: Any, names: set[str]) -> bool:
        while isinstance(reference := property_schema.get("$ref"), str):
            name = reference.removeprefix("#/")
            names.add(name)
            property_schema = self._contract.at(pointer_of(name))
        own: bool | None = property_schema.get(self._direction.value)
        return any(self._is_foreign(part, names) for part in property_schema.get("allOf", ())) if own is None else own

    def resolved(self, schema: Any) -> Any:
        """A schema with its `$ref` followed."""
        return self._contract.resolve((), schema)[1]


@cache
def _meta_schema() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator({"$ref": "http://json-schema.org/draft-04/schema#"})


def pointer_of(definition: str) -> Pointer:
    """The pointer of the schema with this name among the definitions."""
    return parse_reference("#/" + definition.removesuffix(_OR_NULL))


class _Definition(NamedTuple):
    """A converted part of a contract, and the names of the definitions that it refers to."""

    schema: dict[str, Any]
    names: frozenset[str]


class _Compiled(NamedTuple):
    """A validator, and the names of all definitions that it depends on."""

    validator: jsonschema_rs.Validator
    names: frozenset[str]


def let_reuse(contract: Contract, earlier: Contract, same: Container[Pointer]) -> None:
    """Reuse the compiled schemas of an earlier contract as far as they are the same: compiling takes most of the time of a
    start.

    :param same: the pointers of the unchanged path items and components
    """

    def all_same(names: Iterable[str]) -> bool:
        pointers = map(pointer_of, names)
        return all(pointer[: 2 if pointer[0] == "paths" else 3] in same for pointer in pointers)

    for direction, definitions in earlier.definitions.items():
        contract.definitions[direction].update(
            {name: one for name, one in definitions.items() if all_same((name, *one.names))}
        )
    for direction, validators in earlier.validators.items():
        contract.reusable[direction].update({key: one for key, one in validators.items() if all_same(one.names)})


def admits_null(contract: Contract, schema: Any) -> bool:
    """Whether a schema that is not recursive admits null."""
    while isinstance(schema.get("$ref"), str):
        if schema.get("nullable") is True:
            return True
        schema = contract.resolve((), schema)[1]
    if None not in schema.get("enum", (None,)):
        return False
    if schema.get("nullable") is True:
        return True
    return (
        "type" not in schema
        and all(admits_null(contract, part) for part in schema.get("allOf", ()))
        and all(any(admits_null(contract, part) for part in schema[key]) for key in ("anyOf", "oneOf") if key in schema)
        and not ("not" in schema and admits_null(contract, schema["not"]))
    )


def default_of(*properties: Mapping[str, Any]) -> tuple[Any] | None:
    """The value of a property that is not stored: its `default`, or else the default of new objects, `x-create-default`.

    :param properties: the property's schemas, such as those of requests and of responses
    :returns: a tuple of the value; None if there is none
    """
    for keyword in ("default", "x-create-default"):
        for property_schema in properties:
            if keyword in property_schema:
                return (property_schema[keyword],)
    return None


def schema_properties(
    contract: Contract, schema: Any, pointer: Pointer = ()
) -> dict[str, tuple[Pointer, dict[str, Any]]]:
    """The properties of an object schema, `$ref` and `allOf` followed. Never to be changed.

    :returns: pointer and schema of each property; the schema's keywords include those of its own `$ref` or `allOf`
    """
    if "$ref" not in schema:
        return _properties(contract, schema, pointer)
    return _properties_of(contract, schema["$ref"])


@cached
def _properties_of(contract: Contract, reference: str) -> dict[str, tuple[Pointer, dict[str, Any]]]:
    pointer, schema = contract.resolve((), {"$ref": reference})
    return _properties(contract, schema, pointer)


def _properties(contract: Contract, schema: Any, pointer: Pointer) -> dict[str, tuple[Pointer, dict[str, Any]]]:
    properties: dict[str, tuple[Pointer, dict[str, Any]]] = {}
    for index, part in enumerate(schema.get("allOf", [])):
        properties.update(schema_properties(contract, part, (*pointer, "allOf", index)))
    for name, property_schema in schema.get("properties", {}).items():
        properties[name] = (*pointer, "properties", name), flattened(contract, property_schema)
    return properties


def composed(contract: Contract, schema: Any) -> Iterator[dict[str, Any]]:
    """Iterate over a schema and the parts of its `allOf`, recursively, `$ref` followed."""
    schema = contract.resolve((), schema)[1]
    yield schema
    for part in schema.get("allOf", ()):
        yield from composed(contract, part)


def is_file(contract: Contract, schema: Any) -> bool:
    """Whether a schema is that of a file (OpenAPI 3.0.3, "Considerations for File Uploads")."""
    keywords = flattened(contract, schema)
    return (keywords.get("type"), keywords.get("format")) == ("string", "binary")


def flattened(contract: Contract, schema: Any) -> dict[str, Any]:
    """Merge a schema's keywords with those of its `$ref` and `allOf`; its own take precedence. Never to be changed."""
    if "$ref" in schema and schema.get("nullable") is True:
        return {**flattened(contract, {"$ref": schema["$ref"]}), "nullable": True}
    schema = contract.resolve((), schema)[1]
    if "allOf" not in schema:
        return cast("dict[str, Any]", schema)
    merged: dict[str, Any] = {}
    for part in schema.get("allOf", []):
        merged.update(flattened(contract, part))
    return {**merged, **{keyword: value for keyword, value in schema.items() if keyword != "allOf"}}
