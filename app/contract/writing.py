"""Answers: from what a handler returns to JSON that keeps to the contract.

Objects of the store are shaped, validated and encoded once per content, and remembered.
"""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

import orjson
from jsonschema_rs import ValidationError, Validator

from app.contract.answers import encode
from app.contract.schemas import Direction, SchemaReader, flattened, properties
from app.contract.source import Source
from app.objects import StoredObject

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# How many objects are remembered per schema, and how long their JSON may be, in bytes: at most some 16 MiB per schema.
_REMEMBERED_OBJECTS = 2048
_REMEMBERED_LENGTH = 4096


class BrokenContract(Exception):
    """An answer that the contract does not allow; it must not reach the client."""


class AnswerWriter:
    """Writes answers of one schema.

    :param validator: of the schema
    :param urls: what fills in the members that have an `x-url-template`, by member
    """

    def __init__(self, validator: Validator, urls: Mapping[str, Callable[[Any], str]]) -> None:
        self._validator = validator
        self._urls = dict(urls)
        self._lists: dict[str, AnswerWriter] = {}
        self._objects: dict[str, AnswerWriter] = {}
        self._open_validator = validator
        self._known: dict[StoredObject, bytes] = {}

    def hold(
        self, lists: Mapping[str, "AnswerWriter"], objects: Mapping[str, "AnswerWriter"], open_validator: Validator
    ) -> None:
        """Let the writers of some members' items write these.

        :param lists: the writers, by member
        :param objects: the writers of members that are objects, which fill these in
        :param open_validator: of the schema, any items of the lists admitted
        """
        self._lists = dict(lists)
        self._objects = dict(objects)
        self._open_validator = open_validator

    @property
    def completes(self) -> bool:
        """Whether there may be something to fill in."""
        return bool(self._urls or self._lists or self._objects)

    def write(self, result: Any) -> bytes:
        """The JSON of what a handler returned. :raises BrokenContract: it is not as the contract has it"""
        if type(result) is StoredObject:
            return self._write_stored(result)
        stored = [name for name in self._lists if (items := result.get(name)) and type(items[0]) is StoredObject]
        return self._write_page(result, stored) if stored else self._write(result)

    def _write(self, value: Any) -> bytes:
        self._complete(value)
        _validate(self._validator, value)
        return encode(value)

    def _write_stored(self, stored: StoredObject) -> bytes:
        json = self._known.get(stored)
        if json is None:
            json = self._write(stored.shape(stored.row))
            if len(json) <= _REMEMBERED_LENGTH:
                if len(self._known) >= _REMEMBERED_OBJECTS:
                    self._known.clear()
                self._known[stored] = json
        return json

    def _write_page(self, page: dict[str, Any], stored: list[str]) -> bytes:
        _validate(self._open_validator, {**page, **{name: [None] * len(page[name]) for name in stored}})
        written = dict(page)
        for name in stored:
            written[name] = fragments = []
            for index, item in enumerate(page[name]):
                try:
                    fragments.append(orjson.Fragment(self._lists[name].write(item)))
                except BrokenContract as error:
                    raise BrokenContract(f"{name}/{index}/{error}") from error
        return encode(written)

    def _complete(self, value: Any) -> None:
        for name, url in self._urls.items():
            value[name] = url(value)
        for name, writer in self._lists.items():
            for item in value.get(name) or ():
                if item is not None:
                    writer._complete(item)
        for name, writer in self._objects.items():
            if value.get(name) is not None:
                writer._complete(value[name])


class WriterBuilder:
    """Makes the writers of one contract. Operations that answer the same schema share what is remembered.

    :param source: the contract
    :param base_path: where the API stands, without a slash at the end
    """

    def __init__(self, source: Source, base_path: str) -> None:
        self._source = source
        self._base_path = base_path
        self._reader = SchemaReader(source, Direction.RESPONSE)
        self._writers: dict[Any, AnswerWriter] = {}
        # Those whose members are being looked at.
        self._unfinished: list[AnswerWriter] = []

    def build(self, schema: dict[str, Any]) -> AnswerWriter:
        """The writer of a schema of the contract."""
        key = schema["$ref"] if "$ref" in schema and "nullable" not in schema else orjson.dumps(schema)
        if key in self._writers:
            return self._writers[key]
        members = properties(self._source, schema)
        writer = AnswerWriter(
            self._reader.validator(schema),
            {
                name: _PLACEHOLDER.sub(r"{0[\1]}", self._base_path + member["x-url-template"]).format
                for name, (_, member) in members.items()
                if "x-url-template" in member
            },
        )
        # Before its members: a schema may hold itself.
        self._writers[key] = writer
        self._unfinished.append(writer)
        lists = {name: self.build(member["items"]) for name, (_, member) in members.items() if self._holds(member)}
        objects = {name: self.build(member) for name, (_, member) in members.items() if member.get("type") == "object"}
        objects = {name: inner for name, inner in objects.items() if inner.completes or inner in self._unfinished}
        self._unfinished.remove(writer)
        if lists or objects:
            writer.hold(lists, objects, self._reader.validator(self._opened(schema, lists)))
        return writer

    def _holds(self, member: dict[str, Any]) -> bool:
        """Whether a member is a list of objects. Items that have to differ are left to the schema around them."""
        return (
            member.get("type") == "array"
            and not member.get("uniqueItems", False)
            and flattened(self._source, member["items"]).get("type") == "object"
        )

    def _opened(self, schema: dict[str, Any], names: Container[str]) -> dict[str, Any]:
        """A schema with any items admitted in some of its members."""
        schema = self._reader.resolved(schema)
        opened = {
            name: {**flattened(self._source, member), "items": {}} if name in names else member
            for name, member in schema.get("properties", {}).items()
        }
        parts = [self._opened(part, names) for part in schema.get("allOf", ())]
        return {**schema, **({"properties": opened} if opened else {}), **({"allOf": parts} if parts else {})}


def _validate(validator: Validator, value: Any) -> None:
    if validator.is_valid(value):
        return
    try:
        validator.validate(value)
    except ValidationError as error:
        where = "/".join(map(str, error.instance_path)) or "the whole answer"
        raise BrokenContract(f"{where}: {error.message}"[:500]) from error
