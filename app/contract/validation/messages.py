"""Error messages from the violations that a validator found: all of them, by property, in the contract's order.

The shapes are authentik's: a list of messages for a value, messages by property for an object, one entry per item for an array of
objects, and messages by index for another array. In a message of the contract, `{value}` is replaced by the invalid value.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jsonschema_rs import ValidationError

from app.contract.document.contract import Contract
from app.contract.validation.schemas import Direction, SchemaReader, flattened, schema_properties
from app.contract.validation.violations import MOST_VALUES
from app.contract.validation.wording import (
    BLANK,
    EMPTY,
    NO_DATA,
    NON_FIELD_ERRORS,
    NULL,
    REQUIRED,
    Wording,
    shortened,
    shown,
)

Schema = Mapping[str, Any]

Messages = dict[str, Any]
"""The messages of an object, by property: a list, or the messages of a nested object."""

# The order of the messages of one value, that of authentik's checks.
_ORDER = ("not", "minLength", "maxLength", "pattern")


class ErrorFormatter:
    """Formatter of the violations of one schema.

    :param contract: the contract
    :param schema: the OpenAPI schema
    :param wording: the messages to use
    """

    def __init__(self, contract: Contract, schema: Schema, wording: Wording) -> None:
        self._contract = contract
        self._schema = schema
        self._wording = wording
        self._properties = self._properties_of(schema)

    def explain(self, errors: Iterable[ValidationError], instance: Any) -> Messages:
        """The messages of all violations of an instance.

        :param errors: the errors of the compiled validator
        """
        if instance is None:
            return {NON_FIELD_ERRORS: [NO_DATA]}
        return self._of_object(errors, instance, self._properties, 0)

    def _of_object(
        self, errors: Iterable[ValidationError], instance: Any, properties: Mapping[str, Schema], depth: int
    ) -> Messages:
        """The messages of an object `depth` keys below the instance. Violations of the object as a whole are reported only if each
        property is valid, because authentik checks the properties first.
        """
        by_property: dict[str, list[ValidationError]] = {}
        whole = []
        for error in errors:
            if len(error.instance_path) > depth:
                by_property.setdefault(str(error.instance_path[depth]), []).append(error)
            elif error.kind.name == "required":
                by_property.setdefault(str(error.kind.value), []).append(error)
            else:
                whole.append(error)
        if not by_property:
            whole = [error for error in whole if error.kind.name == "type"] or whole
            if named := self._named(whole):
                return named
            return {NON_FIELD_ERRORS: self._messages(whole, lambda _error: instance, self._own_words)}
        ordered = [name for name in properties if name in by_property] + [
            name for name in by_property if name not in properties
        ]
        return {
            name: self._of_value(by_property[name], instance[name], properties.get(name, {}), depth + 1)
            if name in instance
            else [properties.get(name, {}).get("x-messages", {}).get("required", REQUIRED)]
            for name in ordered
        }

    def _named(self, errors: Iterable[ValidationError]) -> Messages:
        """The messages that the contract assigns to single properties for rules across properties."""
        named: Messages = {}
        for error in errors:
            own: Any = self._own_words(error).get(error.kind.name)
            for name, text in own.items() if isinstance(own, Mapping) else ():
                named.setdefault(name, []).append(text)
        return named

    def _of_value(self, errors: list[ValidationError], value: Any, schema: Schema, depth: int) -> Any:
        own = schema.get("x-messages", {})
        if value is None:
            return [own.get("null", NULL)]
        here = {error.kind.name: error for error in errors if len(error.instance_path) <= depth}
        items = flattened(self._contract, schema["items"]) if schema.get("type") == "array" else {}
        if "x-references" in schema and (not items or not here):
            return [self._of_reference(errors, value, items or schema, depth)]
        if properties := self._properties_of(schema):
            return self._of_object(errors, value, properties, depth)
        if items and not here and self._wording.by_index:
            return self._of_items(errors, value, items, depth)
        if schema.get("minLength") and isinstance(value, str) and not value.strip():
            return [own.get("minLength", BLANK)]
        if value == [] and "minItems" in here:
            texts = [own.get("minItems", EMPTY)]
        else:
            # A value of the wrong type violates the enum, too; the choices are the more useful message.
            decisive = next((here[keyword] for keyword in ("enum", "type") if keyword in here), None)
            texts = self._messages(
                [decisive] if decisive else errors,
                lambda error: _at(value, error.instance_path[depth:]),
                lambda error: own if len(error.instance_path) <= depth else {},
            )
        return {NON_FIELD_ERRORS: texts} if items and self._properties_of(items) else texts

    def _of_reference(self, errors: list[ValidationError], value: Any, schema: Schema, depth: int) -> str:
        """The message of an identifier, or of the first invalid one of several."""
        first = min((error.instance_path for error in errors), key=lambda path: path[depth:])
        value = _at(value, first[depth:])
        one_of_many = len(first) > depth
        if value == "" and not one_of_many and not schema.get("nullable"):
            return NULL
        return self._wording.reference(value, schema.get("type", ""), one_of_many)

    def _of_items(self, errors: list[ValidationError], values: list[Any], schema: Schema, depth: int) -> Any:
        by_index: dict[int, list[ValidationError]] = {}
        for error in errors:
            by_index.setdefault(int(error.instance_path[depth]), []).append(error)
        messages = {
            index: self._of_value(by_index[index], values[index], schema, depth + 1) for index in sorted(by_index)
        }
        if self._properties_of(schema):
            # An excerpt of a longer list ends with the last invalid item.
            count = len(values) if len(values) <= MOST_VALUES else max(messages) + 1
            return [messages.get(index, {}) for index in range(count)]
        return {str(index): texts for index, texts in messages.items()}

    def _messages(
        self,
        errors: list[ValidationError],
        instance_of: Callable[[ValidationError], Any],
        own_of: Callable[[ValidationError], Mapping[str, str]],
    ) -> list[str]:
        """One message per violated keyword, without duplicates."""
        ranked = sorted(errors, key=lambda error: _ORDER.index(error.kind.name) if error.kind.name in _ORDER else -1)
        texts = []
        for error in ranked:
            keyword, limit = error.kind.name, error.kind.value
            keywords = self._wording.keywords
            say = keywords.get(f"{keyword}:{_one_type(limit)}") or keywords.get(keyword)
            if own := own_of(error).get(keyword):
                texts.append(own.replace("{value}", shown(instance_of(error))))
            else:
                texts.append(say(limit, instance_of(error)) if say else shortened(error.message))
        return list(dict.fromkeys(texts))

    def _own_words(self, error: ValidationError) -> Mapping[str, str]:
        """The `x-messages` beside the violated keyword."""
        schema: Any = SchemaReader(self._contract, Direction.REQUEST).json_schema(self._schema)
        own: Mapping[str, str] = _at(schema, error.schema_path[:-1]).get("x-messages", {})
        return own

    def _properties_of(self, schema: Schema) -> dict[str, Schema]:
        return {
            name: property_schema for name, (_, property_schema) in schema_properties(self._contract, schema).items()
        }


def _one_type(limit: Any) -> Any:
    """The type of a nullable schema that is not null."""
    if isinstance(limit, list):
        return next((name for name in limit if name != "null"), None)
    return limit


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value
