"""Can the bodies of an operation be read, and its answers be written?"""

from collections.abc import Iterator
from typing import Any

from app.contract.document.findings import Finding
from app.contract.document.source import Pointer, Source
from app.contract.request.form import FORM
from app.contract.validation.schemas import admits_null, flattened, is_file, properties

JSON = "application/json"

# Keywords of a body's schema that look at several members at once.
_RULES = ("anyOf", "oneOf", "not")


def check_content(
    source: Source, pointer: Pointer, operation: dict[str, Any], seen: set[tuple[Pointer, str]]
) -> Iterator[Finding]:
    """Everything is of a media type that is served, and has a schema; bodies are objects, whose rules have their words.

    :param seen: the answers that were looked at for other operations, by their places and status codes
    """
    for code, answer in operation["responses"].items():
        where, described = source.resolve((*pointer, "responses", code), answer)
        if (where, code) in seen:
            continue
        seen.add((where, code))
        contents = [((*where, "content", name), media) for name, media in described.get("content", {}).items()]
        if code < "300" and contents and all(is_file(source, media.get("schema", {})) for _, media in contents):
            continue
        yield from _check_json(
            source, contents, f"Describe one content, {JSON}, or a success that is a file (`format: binary`)."
        )
    if "requestBody" in operation:
        where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
        contents = [((*where, "content", name), media) for name, media in body["content"].items()]
        if list(body["content"]) == [FORM] and "schema" in body["content"][FORM]:
            yield from _check_form(source, (*where, "content", FORM, "schema"), body["content"][FORM]["schema"])
        else:
            yield from _check_json(source, contents, f"Describe one content, {JSON} or {FORM}.")
        for place, media in contents:
            if "encoding" in media:
                problem = "The parts of a form are read by the types of their properties."
                yield source.finding((*place, "encoding"), problem, "Remove `encoding`.")
            if "schema" in media:
                yield from _check_body(source, (*place, "schema"), media["schema"])


def _check_json(source: Source, contents: list[tuple[Pointer, dict[str, Any]]], remedy: str) -> Iterator[Finding]:
    for place, media in contents:
        if place[-1] != JSON or len(contents) > 1:
            yield source.finding(place, f"The media type {place[-1]!r} is not served here.", remedy)
        elif "schema" not in media:
            yield source.finding(place, "The content has no schema.", "Add a schema.")
        elif is_file(source, media["schema"]):
            yield source.finding(place, "This JSON is a file.", "Describe it by another schema.")
        else:
            for where, member in properties(source, media["schema"], (*place, "schema")).values():
                if is_file(source, member):
                    yield source.finding(where, "JSON holds no file.", "Send it in multipart/form-data, or by itself.")


def _check_form(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    for place, member in properties(source, schema, pointer).values():
        if (kind := member.get("type")) not in ("string", "boolean", "integer", "number"):
            yield source.finding(
                place,
                f"A form holds no {kind or 'member of any type'}.",
                "Make it text, a number or a file, or send JSON.",
            )


def _check_body(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    if (kind := flattened(source, schema).get("type")) != "object":
        yield source.finding(
            pointer, f"A body of {f'type {kind!r}' if kind else 'any type'} is not served.", "Make it an object."
        )
    elif admits_null(source, schema):
        yield source.finding(pointer, "A body that is null is not served.", "Remove `nullable`.")
    for place, part in _parts(source, pointer, schema):
        for rule in _RULES:
            if rule in part and rule not in part.get("x-messages", {}):
                yield source.finding((*place, rule), "The rule has no message.", f"Add `x-messages: {{{rule}: ...}}`.")


def _parts(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """A schema and the parts of its `allOf`, with their places."""
    pointer, schema = source.resolve(pointer, schema)
    yield pointer, schema
    for index, part in enumerate(schema.get("allOf", ())):
        yield from _parts(source, (*pointer, "allOf", index), part)
