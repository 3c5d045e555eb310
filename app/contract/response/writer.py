"""Response writer: from the result of a handler to JSON that conforms to the contract.

Objects of the store are represented, validated and encoded once per content, and cached.

Stored objects may be older than the contract. A property that is not stored gets its default. A stored value that violates the
contract is returned as it is stored, and reported; so is a required property that is not stored. This applies to properties
whose values are stored: those that are not `readOnly`, or that have a default. It does not apply to what the request itself has
written, nor to anything else in a response: such violations are errors of this program, and clients get a 500.
"""

import itertools
import json
import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from jsonschema_rs import ValidationError, Validator

from app.contract.document.contract import Contract
from app.contract.errors import ResponseValidationError
from app.contract.response.responses import StoredViolation, encode
from app.contract.response.stand_ins import StandIns
from app.contract.validation.schemas import Direction, SchemaReader, default_of, flattened, schema_properties
from app.contract.validation.violations import violations
from app.domain import StoredObject

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# How many objects are cached per schema, and the longest JSON of one, in bytes: at most some 16 MiB per schema.
_CACHED_OBJECTS = 2048
_CACHED_LENGTH = 4096

# Keywords that may restrict several properties together.
_OBJECT_KEYWORDS = frozenset({"anyOf", "oneOf", "not"})

# Keywords whose error messages show the value in the contract; those of others may show the value in the response.
_ASKING = frozenset(
    {
        "type", "enum", "format", "pattern", "required", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minProperties", "maxProperties",
    }
)  # fmt: skip

# Text that must be encoded in a path segment.
_NO_SEGMENT = "a b/%"

# Keywords that restrict a list as a whole.
_LIST_KEYWORDS = frozenset({"enum", "oneOf", "anyOf", "not"})


class ResponseWriter:
    """Writer of the responses of one schema.

    :param validator: the validator of the schema
    :param properties: the properties of the schema
    :param urls: functions that build the values of `x-url-template`, by property
    :param stand_ins: the stand-ins of values that the enums lack; None to return these as they are stored
    """

    def __init__(
        self,
        validator: Validator,
        properties: Mapping[str, Mapping[str, Any]],
        urls: Mapping[str, Callable[[Any], str]],
        stand_ins: StandIns | None = None,
    ) -> None:
        self.validator = validator
        self._urls = dict(urls)
        self._stand_ins = stand_ins
        in_responses = {
            name: property_schema
            for name, property_schema in properties.items()
            if property_schema.get("writeOnly") is not True
        }
        self._names = list(in_responses)
        self._hidden = properties.keys() - in_responses.keys()
        self._defaults = {
            name: found[0] for name, property_schema in in_responses.items() if (found := default_of(property_schema))
        }
        self._stored = {
            name for name, property_schema in in_responses.items() if property_schema.get("readOnly") is not True
        }
        self._stored |= self._defaults.keys()
        self._lists: dict[str, ResponseWriter] = {}
        self._objects: dict[str, ResponseWriter] = {}
        self._inner: dict[str, ResponseWriter] = {}
        self._open_validator = validator
        self._cache: dict[StoredObject, bytes] = {}

    def set_inner(
        self,
        lists: Mapping[str, "ResponseWriter"],
        objects: Mapping[str, "ResponseWriter"],
        inner: Mapping[str, "ResponseWriter"],
        open_validator: Validator,
    ) -> None:
        """Set the writers of nested objects.

        :param lists: the writers of lists of objects, by property
        :param objects: the writers of properties that are objects, which add their defaults
        :param inner: the writers of all properties that are objects or arrays of objects
        :param open_validator: a validator of the schema that admits any items of the lists
        """
        self._lists = dict(lists)
        self._objects = dict(objects)
        self._inner = dict(inner)
        self._open_validator = open_validator

    @property
    def completes(self) -> bool:
        """Whether a property may have to be added or omitted."""
        return bool(self._urls or self._defaults or self._hidden or self._lists or self._objects)

    def write(self, result: Any, changed: Container[str] = (), found: list[StoredViolation] | None = None) -> bytes:
        """Encode the result of a handler as JSON.

        :param changed: the properties that the request has written
        :param found: gets the violations of the contract by stored values
        :raises ResponseValidationError: it violates the contract
        """
        found = [] if found is None else found
        if type(result) is StoredObject:
            return self.write_stored(result, changed, found)
        stored = [name for name in self._lists if (items := result.get(name)) and type(items[0]) is StoredObject]
        return self._write_page(result, stored, found) if stored else self._write(_represented(result))

    def _write(self, value: Any) -> bytes:
        if isinstance(value, dict):
            value = self._completed(value)
        self._complete(value, stored=False)
        if self._stand_ins is not None and not self.validator.is_valid(value):
            value = self._stand_ins.replace(value, list(self.validator.iter_errors(value)))
        _validate(self.validator, value)
        return encode(value)

    def write_stored(self, stored: StoredObject, changed: Container[str], found: list[StoredViolation]) -> bytes:
        """Encode a stored object as JSON. The arguments and errors are those of `write`."""
        json = self._cache.get(stored)
        if json is not None:
            return json
        value = stored.represent(stored.row)
        self._complete(value, stored=True)
        if not self.validator.is_valid(value):
            if self._stand_ins is not None:
                value = self._stand_ins.replace(value, violations(self.validator, value, self._names).errors)
            if self._stand_ins is None or not self.validator.is_valid(value):
                found += self._stored_violations(value, changed)
                return encode(value)
        json = encode(value)
        if len(json) <= _CACHED_LENGTH:
            if len(self._cache) >= _CACHED_OBJECTS:
                self._cache.clear()
            self._cache[stored] = json
        return json

    def _write_page(self, page: dict[str, Any], stored: list[str], found: list[StoredViolation]) -> bytes:
        written = self._completed(page)
        _validate(self._open_validator, {**written, **{name: [None] * len(page[name]) for name in stored}})
        for name in stored:
            write = self._lists[name].write_stored
            written[name] = fragments = []
            for index, item in enumerate(page[name]):
                try:
                    fragments.append(orjson.Fragment(write(item, (), found)))
                except ResponseValidationError as error:
                    raise ResponseValidationError(f"{name}/{index}/{error}") from error
        return encode(written)

    def _completed(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result of a handler with the defaults of properties that it lacks."""
        lacking = {name: default for name, default in self._defaults.items() if name not in result}
        return {**result, **lacking}

    def own_errors(self, stored: StoredObject) -> tuple[dict[str, Any], list[ValidationError]]:
        """An object's representation, and the violations by its own stored values, without those of nested objects."""
        value = stored.represent(stored.row)
        self._complete(value, stored=True)
        if self.validator.is_valid(value):
            return value, []
        errors = violations(self.validator, value, self._names).errors
        return value, [
            error for error in errors if (names := self._stored_property(error)) is not None and len(names) <= 1
        ]

    def _stored_violations(self, value: Any, changed: Container[str]) -> list[StoredViolation]:
        """The violations of an invalid object. :raises ResponseValidationError: not only stored values violate the contract"""
        errors = violations(self.validator, value, self._names).errors
        if not errors:
            raise ResponseValidationError("the whole answer: it is not valid")
        found = []
        for error in errors:
            names = self._stored_property(error)
            if names is None or (names[0] in changed if names else changed):
                raise _violated(error) from error
            found.append(StoredViolation(str(value.get("pk", "")), ".".join(names), error.kind.name))
        return found

    def _stored_property(self, error: ValidationError) -> tuple[str, ...] | None:
        """The path to the stored property that violates a rule; empty for a rule across properties.

        :returns: None if the violation is not by a stored value
        """
        path = list(error.instance_path)
        if error.kind.name == "required":
            path.append(error.kind.value)
        elif not path:
            return () if error.kind.name in _OBJECT_KEYWORDS else None
        return self._names_of(path)

    def _names_of(self, path: Sequence[str | int]) -> tuple[str, ...] | None:
        name = str(path[0])
        below = [*itertools.dropwhile(lambda key: isinstance(key, int), path[1:])]
        if below and (inner := self._inner.get(name)) is not None:
            names = inner._names_of(below)
            return None if names is None else (name, *names)
        return (name,) if name in self._stored else None

    def _complete(self, value: Any, *, stored: bool) -> None:
        if self._defaults and not self._defaults.keys() <= value.keys():
            for name, default in self._defaults.items():
                value.setdefault(name, default)
        if stored and self._hidden:
            for name in self._hidden:
                value.pop(name, None)
        for name, url in self._urls.items():
            value[name] = url(value)
        for name, writer in self._lists.items():
            for item in value.get(name) or ():
                if item is not None:
                    writer._complete(item, stored=stored)
        for name, writer in self._objects.items():
            if value.get(name) is not None:
                writer._complete(value[name], stored=stored)


class WriterBuilder:
    """Builder of the writers of one contract. Operations with responses of the same schema share a cache.

    :param contract: the contract
    :param base_path: the base path of URLs, without a trailing slash
    :param stand_ins: the stand-ins of values that the enums lack
    """

    def __init__(self, contract: Contract, base_path: str, stand_ins: StandIns | None = None) -> None:
        self._contract = contract
        self._base_path = base_path
        self._stand_ins = stand_ins
        self._reader = SchemaReader(contract, Direction.RESPONSE)
        self._writers: dict[Any, ResponseWriter] = {}
        # The schemas whose properties are being compiled.
        self._unfinished: list[ResponseWriter] = []

    def build(self, schema: dict[str, Any]) -> ResponseWriter:
        """The writer of a schema of the contract."""
        key = schema["$ref"] if "$ref" in schema and "nullable" not in schema else orjson.dumps(schema)
        if key in self._writers:
            return self._writers[key]
        properties = schema_properties(self._contract, schema)
        writer = ResponseWriter(
            self._reader.validator(schema),
            {name: property_schema for name, (_, property_schema) in properties.items()},
            {
                name: self._url(property_schema["x-url-template"], properties)
                for name, (_, property_schema) in properties.items()
                if "x-url-template" in property_schema
            },
            self._stand_ins,
        )
        # Before its properties: a schema may contain itself.
        self._writers[key] = writer
        self._unfinished.append(writer)
        lists = {
            name: self.build(property_schema["items"])
            for name, (_, property_schema) in properties.items()
            if self._is_object_list(property_schema)
        }
        objects = {
            name: self.build(property_schema)
            for name, (_, property_schema) in properties.items()
            if property_schema.get("type") == "object"
        }
        inner = {**lists, **objects}
        objects = {name: one for name, one in objects.items() if one.completes or one in self._unfinished}
        self._unfinished.remove(writer)
        if inner:
            open_validator = self._reader.validator(self._opened(schema, lists)) if lists else writer.validator
            writer.set_inner(lists, objects, inner, open_validator)
        return writer

    def _url(self, template: str, properties: Mapping[str, tuple[Any, Mapping[str, Any]]]) -> Callable[[Any], str]:
        """Compile a URL template to a function of the object."""
        path = self._base_path + template
        fill = _PLACEHOLDER.sub(r"{0[\1]}", path).format
        named = _PLACEHOLDER.findall(template)
        if not any(self._reader.validator(dict(properties[name][1])).is_valid(_NO_SEGMENT) for name in named):
            return fill
        return lambda value: fill({name: quote(value[name], safe="") for name in named})

    def _is_object_list(self, property_schema: dict[str, Any]) -> bool:
        """Whether a property is a list of objects that the schema of the outer object does not restrict further."""
        return (
            property_schema.get("type") == "array"
            and not property_schema.get("uniqueItems", False)
            and _LIST_KEYWORDS.isdisjoint(property_schema)
            and flattened(self._contract, property_schema["items"]).get("type") == "object"
        )

    def _opened(self, schema: dict[str, Any], names: Container[str]) -> dict[str, Any]:
        """A schema that admits any items in some of its properties."""
        schema = self._reader.resolved(schema)
        opened = {
            name: {**flattened(self._contract, property_schema), "items": {}} if name in names else property_schema
            for name, property_schema in schema.get("properties", {}).items()
        }
        parts = [self._opened(part, names) for part in schema.get("allOf", ())]
        return {**schema, **({"properties": opened} if opened else {}), **({"allOf": parts} if parts else {})}


def _represented(result: Any) -> Any:
    """The result of a handler, with representations of objects in lists that the schema does not describe."""
    if not isinstance(result, dict):
        return result
    return {
        name: [item.represent(item.row) if type(item) is StoredObject else item for item in value]
        if isinstance(value, list)
        else value
        for name, value in result.items()
    }


def _validate(validator: Validator, value: Any) -> None:
    if validator.is_valid(value):
        return
    try:
        validator.validate(value)
    except ValidationError as error:
        raise _violated(error) from error


def _violated(error: ValidationError) -> ResponseValidationError:
    """The error of an invalid response: pointer, keyword and its value in the contract. Values of the response are confidential."""
    where = "/".join(map(str, error.instance_path)) or "the whole answer"
    keyword = str(error.schema_path[-1]) if error.kind.name == "falseSchema" else error.kind.name
    asked = f" {json.dumps(error.kind.value, ensure_ascii=False)}" if keyword in _ASKING else ""
    return ResponseValidationError(f"{where}: violates `{keyword}`{asked}"[:500])
