"""Do the schemas compile, and do the values in the contract fit their schemas?"""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from jsonschema_rs import Validator

from app.contract.checks.document import walk
from app.contract.checks.extensions import holds_free_data, kind_of
from app.contract.findings import Finding
from app.contract.plan import parameters
from app.contract.schemas import Direction, SchemaReader, properties
from app.contract.source import Pointer, Source


def check_values(source: Source) -> Iterator[Finding]:
    """Schemas compile; defaults and examples are valid; every body and answer has an example."""
    broken = list(_check_patterns(source)) or list(_check_schemas(source))
    yield from broken
    if broken:
        return
    requests, answers = SchemaReader(source, Direction.REQUEST), SchemaReader(source, Direction.RESPONSE)
    for pointer, node in walk(source.document):
        if not isinstance(node, dict) or any(key in ("example", "examples") for key in pointer):
            continue
        kind = kind_of(pointer, node)
        if kind == "schema":
            for keyword in ("default", "x-create-default"):
                if keyword in node:
                    yield from _check_value(source, (*pointer, keyword), requests.validator(node), node[keyword])
        if kind in ("schema", "operation") and node.get("type", "object") == "object":
            yield from _check_url_templates(source, pointer, node)
        if kind == "parameter" and "example" in node and "schema" in node:
            yield from _check_value(source, (*pointer, "example"), requests.validator(node["schema"]), node["example"])
    yield from _check_contents(source, requests, answers)


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
            if place[-1] == "400":
                yield from _check_refusal(source, where, described, reader, reads=reads)


def _check_patterns(source: Source) -> Iterator[Finding]:
    reader = SchemaReader(source, Direction.REQUEST)
    for pointer, node in walk(source.document):
        if kind_of(pointer, node if isinstance(node, dict) else {}) != "schema":
            continue
        if pointer[-1] == "pattern" and pointer[-2] != "x-messages" and isinstance(node, str):
            try:
                reader.validator({"pattern": node})
            except ValueError:
                yield source.finding(pointer, f"The pattern {node!r} is no regular expression.", "Correct it.")


def _check_schemas(source: Source) -> Iterator[Finding]:
    """Each schema compiles by itself, so that the finding is at the one that does not."""
    reader = SchemaReader(source, Direction.REQUEST)
    for pointer, node in walk(source.document):
        is_component = len(pointer) == 3 and pointer[:2] == ("components", "schemas")
        if not (is_component or pointer[-1:] == ("schema",)) or not isinstance(node, dict) or holds_free_data(pointer):
            continue
        try:
            reader.validator(node)
        except jsonschema_rs.ValidationError as error:
            # One that it refers to is a definition of its translation, and told of by itself.
            if error.instance_path[:1] != ["definitions"]:
                place = (*pointer, *error.instance_path)
                yield source.finding(place, f"The schema means nothing: {error.message}.", "Correct it.")


def _check_url_templates(source: Source, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    members = properties(source, schema, pointer)
    for place, member in members.values():
        for name in re.findall(r"\{(\w+)\}", member.get("x-url-template", "")):
            if name not in members:
                yield source.finding(
                    (*place, "x-url-template"),
                    f"The template names {name!r}, which is no member of the object.",
                    "Name one that is.",
                )


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
        examples: list[tuple[Pointer, Any]] = [((*place, "example"), media["example"])] if "example" in media else []
        for name, example in media.get("examples", {}).items():
            examples.append(((*place, "examples", name, "value"), source.resolve((), example)[1].get("value")))
        if not examples:
            yield source.finding(place, "There is no example.", "Add an `example` that shows what is sent.")
        validator = reader.validator(media["schema"])
        for example_place, value in examples:
            yield from _check_value(source, example_place, validator, value)


def _check_value(source: Source, pointer: Pointer, validator: Validator, value: Any) -> Iterator[Finding]:
    for error in validator.iter_errors(value):
        yield source.finding(
            (*pointer, *error.instance_path),
            f"The value breaks its schema: {error.message}.",
            "Correct the value or the schema.",
        )
