"""Can the bodies of an operation be read, and its answers be written?"""

from collections.abc import Iterator
from typing import Any

from app.contract.findings import Finding
from app.contract.schemas import flattened
from app.contract.source import Pointer, Source

JSON = "application/json"

# Keywords of a body's schema that look at several members at once.
_RULES = ("anyOf", "oneOf", "not")


def check_content(source: Source, pointer: Pointer, operation: dict[str, Any]) -> Iterator[Finding]:
    """Everything is of a media type that is served, and has a schema; bodies are objects, whose rules have their words."""
    for code, answer in operation["responses"].items():
        yield from _check_media_types(source, *source.resolve((*pointer, "responses", code), answer))
    if "requestBody" in operation:
        where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
        yield from _check_media_types(source, where, body)
        for media_type, media in body["content"].items():
            yield from _check_body(source, (*where, "content", media_type, "schema"), media.get("schema", {}))


def _check_media_types(source: Source, where: Pointer, described: dict[str, Any]) -> Iterator[Finding]:
    for media_type, media in described.get("content", {}).items():
        if media_type != JSON or len(described["content"]) > 1:
            yield source.finding(
                (*where, "content", media_type),
                f"The media type {media_type!r} is not served here.",
                f"Describe one content, {JSON}.",
            )
        elif "schema" not in media:
            yield source.finding((*where, "content", media_type), "The content has no schema.", "Add a schema.")


def _check_body(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    if schema and (kind := flattened(source, schema).get("type")) != "object":
        yield source.finding(pointer, f"A body of type {kind!r} is not served.", "Make it an object.")
    for place, part in _parts(source, pointer, schema):
        for rule in _RULES:
            if rule in part and rule not in part.get("x-messages", {}):
                yield source.finding(
                    (*place, rule), "The rule has no words for who breaks it.", f"Add `x-messages: {{{rule}: ...}}`."
                )


def _parts(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """A schema and the parts of its `allOf`, with their places."""
    pointer, schema = source.resolve(pointer, schema)
    yield pointer, schema
    for index, part in enumerate(schema.get("allOf", ())):
        yield from _parts(source, (*pointer, "allOf", index), part)
