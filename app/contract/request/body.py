"""Request bodies: from bytes to the properties that a handler gets."""

import codecs
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson
from jsonschema_rs import Validator

from app import errors
from app.contract.document.contract import Contract, Pointer, parse_reference
from app.contract.errors import ResponseValidationError
from app.contract.validation.messages import ErrorFormatter, Messages
from app.contract.validation.rules import MISSING, ViolatedRule, violated_by
from app.contract.validation.schemas import Direction, SchemaReader, admits_null, flattened, schema_properties
from app.contract.validation.violations import violations
from app.contract.validation.wording import BODY, MORE, NO_DATA, NON_FIELD_ERRORS, does_not_exist

# RFC 8259 permits only UTF-8; authentik honours `charset`, and these are the encodings that JSON is sent in.
_CHARSETS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "iso8859-1"})


# An integer as people type it, with as many digits as Python converts in linear time.
_NUMERAL = re.compile("-?[0-9]{1,4000}")
_NO_JSON = "JSON parse error"

MOST_CONTAINERS = 50_000
"""Limit of the arrays and objects in a JSON body: creating these takes longer than all other values."""

MOST_LEVELS = 200
"""Limit of the arrays and objects within one another in a JSON body: a response that has such a value can still be written."""


class UnsupportedMediaType(Exception):
    """The operation does not accept the media type of the body."""


class MalformedBody(Exception):
    """The body is not valid for its media type. The message is that of the 400."""


class InvalidBody(Exception):
    """The body violates the contract.

    :param messages: messages by property
    :param valid: the valid properties
    :param violated: the violated rules
    """

    def __init__(self, messages: Messages, valid: Mapping[str, Any], violated: list[ViolatedRule]) -> None:
        super().__init__(messages)
        self.messages = messages
        self.valid = valid
        self.violated = violated


class BodyReader:
    """Reader of the JSON body of one operation.

    :param contract: the contract
    :param pointer: the pointer of the operation's `requestBody`
    :param defaults: the defaults of a new object by property
    :param schema: a reference to the schema to read it by; default: that of the body
    """

    def __init__(
        self, contract: Contract, pointer: Pointer, defaults: Mapping[str, Any], schema: dict[str, Any] | None = None
    ) -> None:
        pointer, request_body = contract.resolve(pointer, contract.at(pointer))
        self._whole = pointer
        ((self.media_type, media),) = request_body["content"].items()
        self.pointer: Pointer = (*pointer, "content", self.media_type)
        self._contract = contract
        self._place = (*self.pointer, "schema") if schema is None else parse_reference(schema["$ref"])
        schema = media["schema"] if schema is None else schema
        properties = schema_properties(contract, schema, self._place)
        where, _ = contract.resolve(self._place, schema)
        self._places = {name: place for name, (place, _) in properties.items()}
        self.properties = {
            name: schema for name, (_, schema) in properties.items() if schema.get("readOnly") is not True
        }
        self._kept = frozenset(name for name, schema in self.properties.items() if not schema.get("x-ignored"))
        # Other properties are kept if the schema describes them.
        self._open = flattened(contract, schema).get("additionalProperties", False) is not False
        self._unique = {name: schema["x-unique"] for name, schema in self.properties.items() if "x-unique" in schema}
        self._unique_sets = {
            frozenset(rule["members"]): (rule["message"], (*where, "x-unique-together", index))
            for index, rule in enumerate(flattened(contract, schema).get("x-unique-together", ()))
        }
        self._asked = [
            name
            for name, schema in self.properties.items()
            if name in self._kept and ("x-unique" in schema or "x-references" in schema)
        ]
        self._trimmed = frozenset(name for name, schema in self.properties.items() if schema.get("x-trim"))
        self._numerals = frozenset(name for name, schema in self.properties.items() if schema.get("x-numerals"))
        self._null_if_blank = frozenset(
            name for name, schema in self.properties.items() if _is_null_if_blank(contract, schema)
        )
        self._uuids = frozenset(name for name, schema in self.properties.items() if _holds_uuids(contract, schema))
        self._sets = frozenset(name for name, schema in self.properties.items() if schema.get("x-set"))
        self.defaults = dict(defaults)
        self._schema = schema
        self._required = request_body.get("required", False)
        self._accepted = _ranges(self.media_type)

    # Compiled at first use: most models are never written while a server runs.
    @cached_property
    def _validator(self) -> Validator:
        return SchemaReader(self._contract, Direction.REQUEST).validator(self._schema)

    @cached_property
    def _formatter(self) -> ErrorFormatter:
        return ErrorFormatter(self._contract, self._schema, BODY)

    @cached_property
    def _wanted(self) -> bool:
        """Whether the body is required although its schema admits `{}`."""
        return self._required and self._validator.is_valid({})

    def read(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Validate a body. :returns: the properties that a client may set, with defaults

        An empty body counts as `{}` whatever its type (recorded: `create.ctype.*_empty_body`).

        :raises UnsupportedMediaType: it is of another media type
        :raises MalformedBody: it is not JSON
        :raises InvalidBody: it violates the schema, or is required and missing
        """
        if not body:
            self.check_presence()
        return self.checked(self._decode(body, content_type) if body else {})

    def _without_numeral(self, name: str, value: Any) -> Any:
        """Convert an integer to text, or text to an integer, by the property's schema; see `x-numerals`."""
        if self.properties[name].get("type") != "integer":
            return str(value) if type(value) is int else value
        return int(value) if isinstance(value, str) and _NUMERAL.fullmatch(value) else value

    def check_presence(self) -> None:
        """:raises InvalidBody: the body is required and empty, and its schema admits `{}`, which an empty body is read as"""
        if self._wanted:
            raise InvalidBody({NON_FIELD_ERRORS: [NO_DATA]}, {}, [ViolatedRule((*self._whole, "required"))])

    def checked(self, instance: Any) -> dict[str, Any]:
        """Validate a decoded body. :returns: its properties, with defaults

        :raises MalformedBody: it is nested too deeply
        :raises InvalidBody: it violates the schema
        """
        if isinstance(instance, dict):
            for name in self._trimmed & instance.keys():
                if isinstance(value := instance[name], str):
                    instance[name] = value.strip()
            for name in self._numerals & instance.keys() if self._numerals else ():
                instance[name] = self._without_numeral(name, instance[name])
            for name in self._null_if_blank & instance.keys() if self._null_if_blank else ():
                if instance[name] == "":
                    instance[name] = None
        if not self._validator.is_valid(instance):
            try:
                found, complete = violations(self._validator, instance, self._places)
                messages = self._formatter.explain(found, instance)
            except ValueError as error:
                # The validator can't report on a value that is nested deeper than the excerpt.
                raise MalformedBody(
                    f"{_NO_JSON} - array and object recursion depth exceeded: line 1 column 1 (char 0)"
                ) from error
            # Properties with other violations must not be looked up in the store.
            valid = self._known(instance, without=messages) if isinstance(instance, dict) and complete else {}
            if not complete:
                messages[NON_FIELD_ERRORS] = [*messages.get(NON_FIELD_ERRORS, ()), MORE]
            raise InvalidBody(messages, valid, violated_by(self._contract, self._place, found, instance))
        return {**self.defaults, **self._known(instance)}

    def sent(self, body: bytes, content_type: str) -> Mapping[str, Any]:
        """The properties of an accepted body, as they were sent."""
        properties: Mapping[str, Any] = self._decode(body, content_type)
        return properties

    @property
    def unique(self) -> tuple[frozenset[str], ...]:
        """The sets of properties whose combined values are unique among objects."""
        return (*(frozenset({name}) for name in self._unique), *self._unique_sets)

    def asked_of_the_store(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The properties whose validity depends on the store."""
        return {name: properties[name] for name in self._asked if name in properties}

    def messages_of(self, error: errors.NotUnique | errors.DanglingReference) -> Messages:
        """The messages of a conflict with the store. :raises ResponseValidationError: the contract has none"""
        if isinstance(error, errors.DanglingReference):
            return {name: [does_not_exist(value)] for name, value in error.values.items()}
        if isinstance(error.property_name, str):
            if error.property_name not in self._unique:
                raise ResponseValidationError(
                    f"{error.property_name!r} is not unique, and has no `x-unique`."
                ) from error
            return {error.property_name: [self._unique[error.property_name]]}
        if (rule := self._unique_sets.get(frozenset(error.property_name))) is None:
            raise ResponseValidationError(
                f"{error.property_name!r} are not unique, and in no `x-unique-together`."
            ) from error
        return {NON_FIELD_ERRORS: [rule[0]]}

    def violated_by(
        self, error: errors.NotUnique | errors.DanglingReference, properties: Mapping[str, Any]
    ) -> list[ViolatedRule]:
        """The rules violated according to the store.

        :param properties: the properties that were sent
        """
        if isinstance(error, errors.DanglingReference):
            return [
                ViolatedRule((*self.place_of(name), "x-references"), (name,), value)
                for name, value in error.values.items()
            ]
        if isinstance(error.property_name, str):
            name = error.property_name
            return [ViolatedRule((*self.place_of(name), "x-unique"), (name,), properties.get(name, MISSING))]
        _, rule = self._unique_sets[frozenset(error.property_name)]
        return [ViolatedRule(rule, (), {name: properties.get(name) for name in error.property_name})]

    def place_of(self, property_name: str) -> Pointer:
        """The pointer of a property; that of the body if it has no such property."""
        return self._places.get(property_name, self.pointer)

    def ordered(self, messages: Messages) -> Messages:
        """Sort messages in the order of the contract."""
        return {name: messages[name] for name in (*self.properties, *messages) if name in messages}

    def _known(self, instance: dict[str, Any], without: Mapping[str, Any] = {}) -> dict[str, Any]:
        known = {
            name: value
            for name, value in instance.items()
            if (name in self._kept or (self._open and name not in self.properties)) and name not in without
        }
        for name in self._uuids & known.keys() if self._uuids else ():
            known[name] = _in_small_letters(known[name])
        for name in self._sets & known.keys() if self._sets else ():
            known[name] = known[name] and sorted(set(known[name]))
        return known

    def _decode(self, body: bytes, content_type: str) -> Any:
        if content_type not in self._accepted:
            body = _as_utf8(body, self.check_media_type(content_type))
        opened = body.count(b"[") + body.count(b"{") if len(body) > MOST_LEVELS else 0
        if opened > MOST_CONTAINERS:
            raise MalformedBody(f"{_NO_JSON} - more than {MOST_CONTAINERS} brackets that open an array or an object")
        try:
            decoded = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise MalformedBody(f"{_NO_JSON} - {error}") from error
        if opened > MOST_LEVELS and is_too_deep(decoded):
            raise MalformedBody(f"{_NO_JSON} - more than {MOST_LEVELS} arrays and objects within one another")
        return decoded

    def check_media_type(self, content_type: str) -> str:
        """The parameters of a media type. :raises UnsupportedMediaType: it is not that of the operation"""
        media_type, _, parameters = content_type.partition(";")
        if media_type.strip().lower() not in self._accepted:
            raise UnsupportedMediaType(content_type)
        return parameters


def is_too_deep(value: Any) -> bool:
    """Whether the arrays and objects of a JSON value are nested more deeply than a body may be."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return True


def _is_null_if_blank(contract: Contract, schema: dict[str, Any]) -> bool:
    """Whether `""` means null, as in authentik."""
    return "x-references" in schema and schema.get("type") != "array" and admits_null(contract, schema)


def _holds_uuids(contract: Contract, schema: dict[str, Any]) -> bool:
    values = flattened(contract, schema["items"]) if schema.get("type") == "array" else schema
    return values.get("format") == "uuid"


def _in_small_letters(value: Any) -> Any:
    """UUIDs in lower case, as they are stored and compared (RFC 9562, section 4)."""
    if isinstance(value, list):
        return [_in_small_letters(item) for item in value]
    return value.lower() if isinstance(value, str) else value


def _ranges(media_type: str) -> frozenset[str]:
    """A media type and the ranges that include it (recorded: `create.ctype.*`)."""
    return frozenset({media_type, media_type.partition("/")[0] + "/*", "*/*"})


def _as_utf8(body: bytes, parameters: str) -> bytes:
    """Convert a body in another `charset` to UTF-8; unchanged if the charset is not a text encoding."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            try:
                charset = codecs.lookup(value.strip().strip('"')).name
            except (LookupError, ValueError):
                return body
            if charset == "utf-8" or charset not in _CHARSETS:
                return body
            try:
                return body.decode(charset).encode()
            except UnicodeError as error:
                raise MalformedBody(
                    f"{_NO_JSON} - the body is not valid {charset}: line 1 column 1 (char 0)"
                ) from error
    return body
