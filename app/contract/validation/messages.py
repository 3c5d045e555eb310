"""From what a compiled validator finds to what a client is told: all that is wrong at once, by member, in the contract's order.

The shapes are authentik's: a list of sentences for a value, messages by member for an object, one entry per item for an array of
objects, and messages by index for another array. In a sentence of the contract's own, `{value}` stands for the value that is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jsonschema_rs import ValidationError

from app.contract.document.source import Source
from app.contract.validation.schemas import Direction, SchemaReader, flattened, properties
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
"""What is wrong with an object: the sentences, or the messages of what it holds, by member."""

# Messages of one value stand in this order, as authentik runs its checks.
_ORDER = ("not", "minLength", "maxLength", "pattern")


class Explainer:
    """Says what is wrong with the objects of one schema.

    :param source: the contract
    :param schema: the schema, as the contract has it
    :param wording: the sentences to use
    """

    def __init__(self, source: Source, schema: Schema, wording: Wording) -> None:
        self._source = source
        self._schema = schema
        self._wording = wording
        self._members = self._members_of(schema)

    def explain(self, errors: Iterable[ValidationError], instance: Any) -> Messages:
        """All that is wrong with an instance.

        :param errors: what the compiled validator found
        """
        if instance is None:
            return {NON_FIELD_ERRORS: [NO_DATA]}
        return self._of_object(errors, instance, self._members, 0)

    def _of_object(
        self, errors: Iterable[ValidationError], instance: Any, members: Mapping[str, Schema], depth: int
    ) -> Messages:
        """The messages of an object that `depth` keys lead to. What is wrong with it as a whole is told of when each member is
        right, as authentik looks at the members first.
        """
        by_member: dict[str, list[ValidationError]] = {}
        whole = []
        for error in errors:
            if len(error.instance_path) > depth:
                by_member.setdefault(str(error.instance_path[depth]), []).append(error)
            elif error.kind.name == "required":
                by_member.setdefault(str(error.kind.value), []).append(error)
            else:
                whole.append(error)
        if not by_member:
            whole = [error for error in whole if error.kind.name == "type"] or whole
            if named := self._named(whole):
                return named
            return {NON_FIELD_ERRORS: self._sentences(whole, lambda _error: instance, self._own_words)}
        ordered = [name for name in members if name in by_member] + [name for name in by_member if name not in members]
        return {
            name: self._of_value(by_member[name], instance[name], members.get(name, {}), depth + 1)
            if name in instance
            else [members.get(name, {}).get("x-messages", {}).get("required", REQUIRED)]
            for name in ordered
        }

    def _named(self, errors: Iterable[ValidationError]) -> Messages:
        """The messages of rules across properties that the contract gives to single properties."""
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
        items = flattened(self._source, schema["items"]) if schema.get("type") == "array" else {}
        if "x-references" in schema and (not items or not here):
            return [self._of_reference(errors, value, items or schema, depth)]
        if members := self._members_of(schema):
            return self._of_object(errors, value, members, depth)
        if items and not here and self._wording.by_index:
            return self._of_items(errors, value, items, depth)
        if schema.get("minLength") and isinstance(value, str) and not value.strip():
            return [own.get("minLength", BLANK)]
        if value == [] and "minItems" in here:
            sentences = [own.get("minItems", EMPTY)]
        else:
            # A value of the wrong type is none of the enum's either; the choice is what a client needs to hear of.
            decisive = next((here[keyword] for keyword in ("enum", "type") if keyword in here), None)
            sentences = self._sentences(
                [decisive] if decisive else errors,
                lambda error: _at(value, error.instance_path[depth:]),
                lambda error: own if len(error.instance_path) <= depth else {},
            )
        return {NON_FIELD_ERRORS: sentences} if items and self._members_of(items) else sentences

    def _of_reference(self, errors: list[ValidationError], value: Any, schema: Schema, depth: int) -> str:
        """The sentence of an identity, or of the first wrong one of several."""
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
        if self._members_of(schema):
            # One that is longer than what is looked at ends with the last item that is wrong.
            count = len(values) if len(values) <= MOST_VALUES else max(messages) + 1
            return [messages.get(index, {}) for index in range(count)]
        return {str(index): sentences for index, sentences in messages.items()}

    def _sentences(
        self,
        errors: list[ValidationError],
        instance_of: Callable[[ValidationError], Any],
        own_of: Callable[[ValidationError], Mapping[str, str]],
    ) -> list[str]:
        """One sentence per broken keyword, without repetitions."""
        ranked = sorted(errors, key=lambda error: _ORDER.index(error.kind.name) if error.kind.name in _ORDER else -1)
        sentences = []
        for error in ranked:
            keyword, limit = error.kind.name, error.kind.value
            keywords = self._wording.keywords
            say = keywords.get(f"{keyword}:{_one_type(limit)}") or keywords.get(keyword)
            if own := own_of(error).get(keyword):
                sentences.append(own.replace("{value}", shown(instance_of(error))))
            else:
                sentences.append(say(limit, instance_of(error)) if say else shortened(error.message))
        return list(dict.fromkeys(sentences))

    def _own_words(self, error: ValidationError) -> Mapping[str, str]:
        """The `x-messages` beside the keyword that is broken."""
        schema: Any = SchemaReader(self._source, Direction.REQUEST).json_schema(self._schema)
        own: Mapping[str, str] = _at(schema, error.schema_path[:-1]).get("x-messages", {})
        return own

    def _members_of(self, schema: Schema) -> dict[str, Schema]:
        return {name: member for name, (_, member) in properties(self._source, schema).items()}


def _one_type(limit: Any) -> Any:
    """The type that is not null, of a nullable schema's two."""
    if isinstance(limit, list):
        return next((name for name in limit if name != "null"), None)
    return limit


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value
