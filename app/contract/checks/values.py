"""Do the schemas compile, and do the values in the contract fit their schemas?"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema_rs
from jsonschema_rs import Validator

from app.contract.checks.parts import Part, Parts
from app.contract.compile.plan import parameters
from app.contract.document.findings import Finding, shown
from app.contract.document.source import Pointer, Source, reference_to
from app.contract.validation.schemas import PATTERNS, Direction, SchemaReader, properties


def check_values(source: Source, parts: Parts) -> Iterator[Finding]:
    """Schemas compile; defaults and examples are valid; every body and answer has an example."""
    requests, answers = SchemaReader(source, Direction.REQUEST), SchemaReader(source, Direction.RESPONSE)
    broken = list(_check_patterns(source, parts.new)) or list(_check_schemas(source, parts.new, requests))
    yield from broken
    if broken:
        return
    for pointer, node, kind in parts.all:
        if kind == "schema":
            for keyword in ("default", "x-create-default"):
                if keyword in node:
                    yield from _check_value(source, (*pointer, keyword), requests.validator(node), node[keyword])
            if not _TELLING.isdisjoint(node):
                yield from _check_schema_values(source, pointer, node, requests, answers)
        if kind == "parameter" and "schema" in node:
            for place, value in _examples(source, pointer, node):
                yield from _check_value(source, place, requests.validator(node["schema"]), value)
        if kind == "schema" and "x-url-template" in node:
            yield from _check_url_template(source, pointer, node)
    yield from _check_contents(source, requests, answers)


# What a property may have beside `x-url-template`.
_BESIDE_URL = frozenset(
    {"type", "readOnly", "x-url-template", "title", "description", "example", "deprecated", "externalDocs"}
)


def _check_contents(source: Source, requests: SchemaReader, answers: SchemaReader) -> Iterator[Finding]:
    # Operations share most of their answers.
    seen: set[tuple[Pointer, Any]] = set()
    for pointer, path, method, operation in source.operations():
        reads = "requestBody" in operation or bool(parameters(source, path, method, "query"))
        contents = [((*pointer, "requestBody"), requests)] if "requestBody" in operation else []
        contents += [((*pointer, "responses", code), answers) for code in operation["responses"]]
        for place, reader in contents:
            where, described = source.resolve(place, source.at(place))
            if (where, place[-1]) in seen:
                continue
            seen.add((where, place[-1]))
            yield from _check_examples(source, where, described, reader)
            if reader is requests:
                yield from _check_presence(source, where, described, reader)
            if place[-1] == "400":
                yield from _check_refusal(source, where, described, reader, reads=reads)


def _check_presence(
    source: Source, where: Pointer, described: dict[str, Any], reader: SchemaReader
) -> Iterator[Finding]:
    """Check that the schema of an optional body admits `{}`, as which an omitted body counts."""
    if not described.get("required", False):
        for media in described["content"].values():
            if not reader.validator(media["schema"]).is_valid({}):
                problem = "The body may be left out, and counts as `{}`, which its schema refuses."
                yield source.finding(where, problem, "Add `required: true`.")


def _check_patterns(source: Source, parts: Sequence[Part]) -> Iterator[Finding]:
    compiles: dict[str, bool] = {}
    for pointer, node, kind in parts:
        if kind == "schema" and isinstance(pattern := node.get("pattern"), str):
            if pattern not in compiles:
                compiles[pattern] = _compiles({"pattern": pattern})
            if not compiles[pattern]:
                yield source.finding(
                    (*pointer, "pattern"),
                    f"The pattern {pattern!r} is not a regular expression, or uses lookaround.",
                    "Correct it.",
                )


def _compiles(schema: dict[str, Any]) -> bool:
    try:
        jsonschema_rs.Draft4Validator(schema, pattern_options=PATTERNS)
    except ValueError:
        return False
    return True


def _check_schemas(source: Source, parts: Sequence[Part], reader: SchemaReader) -> Iterator[Finding]:
    """Each schema means something, so that it can be compiled."""
    for pointer, node, kind in parts:
        if len(pointer) == 3 and pointer[:2] == ("components", "schemas"):
            node = {"$ref": reference_to(pointer)}
        elif kind != "schema" or pointer[-1] != "schema" or "$ref" in node:
            # What is referred to is told of by itself.
            continue
        for error in reader.mistakes(node):
            place = (*pointer, *error.instance_path)
            yield source.finding(place, f"The schema is invalid: {error.message}.", "Correct it.")


def _check_url_template(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    """Check that a URL is built from properties of its object, and admitted whatever they are."""
    template = schema["x-url-template"]
    if pointer[-2] != "properties" or schema.get("type") != "string" or not schema.get("readOnly"):
        problem = "A URL can be built for a property with `type: string` and `readOnly: true` only."
        yield source.finding((*pointer, "x-url-template"), problem, "Move it to one.")
        return
    for keyword in sorted(schema.keys() - _BESIDE_URL):
        problem = "A property with `x-url-template` can't restrict its text."
        yield source.finding((*pointer, keyword), problem, "Remove this keyword.")
    owner, place = pointer[:-2], (*pointer, "x-url-template")
    members = properties(source, source.at(owner), owner)
    if "{" in (rest := re.sub(r"\{\w+\}", "", template)) or "}" in rest:
        yield source.finding(place, "The braces of the template hold no name.", "Write names only: `{slug}`.")
        return
    for name in re.findall(r"\{(\w+)\}", template):
        if name not in members:
            problem = f"The template names {name!r}, which is not a property of the object."
            yield source.finding(place, problem, "Name one that is.")
        elif members[name][1].get("type") != "string" or "x-url-template" in members[name][1]:
            yield source.finding(place, f"The template names {name!r}, which is not a string.", "Name one that is.")


def _check_refusal(
    source: Source, where: Pointer, described: dict[str, Any], reader: SchemaReader, *, reads: bool
) -> Iterator[Finding]:
    """A 400 has room for what the server itself says, whatever the handler says in its own words.

    :param reads: whether the operation reads what could be wrong with a member
    """
    refusals: list[dict[str, Any]] = [{"detail": "A sentence."}, *([{"member": ["A sentence."]}] if reads else [])]
    for media_type, media in described.get("content", {}).items():
        for refusal in refusals:
            if not reader.validator(media["schema"]).is_valid(refusal):
                yield source.finding(
                    (*where, "content", media_type, "schema"),
                    f"The server may answer {json.dumps(refusal)}, which breaks the schema.",
                    "Admit it, if need be by `anyOf`.",
                )


def _check_examples(
    source: Source, where: Pointer, described: dict[str, Any], reader: SchemaReader
) -> Iterator[Finding]:
    for media_type, media in described.get("content", {}).items():
        place: Pointer = (*where, "content", media_type)
        examples = list(_examples(source, place, media))
        if not examples:
            yield source.finding(place, "There is no example.", "Add an `example` that shows what is sent.")
        validator = reader.validator(media["schema"])
        for example_place, value in examples:
            yield from _check_value(source, example_place, validator, value)


def _examples(source: Source, pointer: Pointer, described: dict[str, Any]) -> Iterator[tuple[Pointer, Any]]:
    """The examples of a media type or a parameter, with their places."""
    if "example" in described:
        yield (*pointer, "example"), described["example"]
    for name, example in described.get("examples", {}).items():
        place, example = source.resolve((*pointer, "examples", name), example)
        if "value" in example:
            yield (*place, "value"), example["value"]


# Keywords whose values are instances of the schema.
_TELLING = frozenset({"example", "enum"})
# Keywords beside which an enum needs no check but that of the type.
_PLAIN = frozenset({"type", "enum", "nullable", "description", "title", "default", "example", "readOnly", "writeOnly"})


def _check_schema_values(
    source: Source, pointer: Pointer, schema: dict[str, Any], requests: SchemaReader, answers: SchemaReader
) -> Iterator[Finding]:
    """Check that examples and the values of enums fit their schema, as it is sent or answered."""
    if "example" in schema and not answers.validator(schema).is_valid(schema["example"]):
        yield from _check_value(source, (*pointer, "example"), requests.validator(schema), schema["example"])
    if "enum" in schema and not {key for key in schema if not key.startswith("x-")} <= _PLAIN:
        validator = requests.validator({key: value for key, value in schema.items() if key != "enum"})
        for index, value in enumerate(schema["enum"]):
            for error in validator.iter_errors(value) if value is not None else ():
                problem = f"The value {shown(value)} can never be sent: {error.message}."
                yield source.finding((*pointer, "enum", index), problem, "Remove it, or correct what stands beside.")


def _check_value(source: Source, pointer: Pointer, validator: Validator, value: Any) -> Iterator[Finding]:
    for error in validator.iter_errors(value):
        yield source.finding(
            (*pointer, *error.instance_path),
            f"The value breaks its schema: {error.message}.",
            "Correct the value or the schema.",
        )
