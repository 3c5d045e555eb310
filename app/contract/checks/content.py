"""Check of request and response bodies: media types and schemas."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.request.form import FORM
from app.contract.validation.schemas import admits_null, flattened, is_file, schema_properties

JSON = "application/json"

# Keywords of a body's schema that restrict several properties at once.
_RULES = ("anyOf", "oneOf", "not")


def check_content(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], seen: set[tuple[Pointer, str]]
) -> Iterator[Finding]:
    """Check that media types are supported and have schemas, and that bodies are objects with messages for their rules.

    :param seen: the responses checked for other operations, by pointer and status code
    """
    for code, response in operation["responses"].items():
        where, described = contract.resolve((*pointer, "responses", code), response)
        if (where, code) in seen:
            continue
        seen.add((where, code))
        contents = [((*where, "content", name), media) for name, media in described.get("content", {}).items()]
        if code < "300" and contents and all(is_file(contract, media.get("schema", {})) for _, media in contents):
            continue
        yield from _check_json(
            contract, contents, f"Describe one content, {JSON}, or a success that is a file (`format: binary`)."
        )
    if "requestBody" in operation:
        where, body = contract.resolve((*pointer, "requestBody"), operation["requestBody"])
        contents = [((*where, "content", name), media) for name, media in body["content"].items()]
        if list(body["content"]) == [FORM] and "schema" in body["content"][FORM]:
            yield from _check_form(contract, (*where, "content", FORM, "schema"), body["content"][FORM]["schema"])
        else:
            yield from _check_json(contract, contents, f"Describe one content, {JSON} or {FORM}.")
        for place, media in contents:
            if "encoding" in media:
                problem = "The parts of a form are read by the types of their properties."
                yield contract.finding((*place, "encoding"), problem, "Remove `encoding`.")
            if "schema" not in media:
                continue
            if not operation.get("x-challenges"):
                yield from _check_body(contract, (*place, "schema"), media["schema"])
            elif not contract.resolve((), media["schema"])[1].get("discriminator", {}).get("mapping"):
                problem = "With `x-challenges` the body is read by an alternative of its schema, and it has no names for them."
                yield contract.finding((*place, "schema"), problem, "Add a `discriminator` with a `mapping`.")


def _check_json(contract: Contract, contents: list[tuple[Pointer, dict[str, Any]]], remedy: str) -> Iterator[Finding]:
    for place, media in contents:
        if place[-1] != JSON or len(contents) > 1:
            yield contract.finding(place, f"The media type {place[-1]!r} is not served here.", remedy)
        elif "schema" not in media:
            yield contract.finding(place, "The content has no schema.", "Add a schema.")
        elif is_file(contract, media["schema"]):
            yield contract.finding(place, "This JSON is a file.", "Describe it by another schema.")
        else:
            for where, property_name in schema_properties(contract, media["schema"], (*place, "schema")).values():
                if is_file(contract, property_name):
                    yield contract.finding(
                        where, "JSON holds no file.", "Send it in multipart/form-data, or by itself."
                    )


def _check_form(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    for place, property_schema in schema_properties(contract, schema, pointer).values():
        if (kind := property_schema.get("type")) not in ("string", "boolean", "integer", "number"):
            yield contract.finding(
                place,
                f"A form holds no {kind or 'member of any type'}.",
                "Make it text, a number or a file, or send JSON.",
            )


def _check_body(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    if (kind := flattened(contract, schema).get("type")) != "object":
        yield contract.finding(
            pointer, f"A body of {f'type {kind!r}' if kind else 'any type'} is not served.", "Make it an object."
        )
    elif admits_null(contract, schema):
        yield contract.finding(pointer, "A body that is null is not served.", "Remove `nullable`.")
    for place, part in _parts(contract, pointer, schema):
        for rule in _RULES:
            if rule in part and rule not in part.get("x-messages", {}):
                yield contract.finding(
                    (*place, rule), "The rule has no message.", f"Add `x-messages: {{{rule}: ...}}`."
                )


def _parts(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """A schema and the parts of its `allOf`, with their pointers."""
    pointer, schema = contract.resolve(pointer, schema)
    yield pointer, schema
    for index, part in enumerate(schema.get("allOf", ())):
        yield from _parts(contract, (*pointer, "allOf", index), part)
