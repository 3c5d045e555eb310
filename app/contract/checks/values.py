"""Check of schemas, and of the values in the contract against them."""

import json
import re
from collections.abc import Iterator, Sequence, Set
from typing import Any

import jsonschema_rs
from jsonschema_rs import Validator

from app.contract.checks.parts import Part, Parts
from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract, Pointer, reference_to
from app.contract.document.findings import Finding, shown
from app.contract.validation.schemas import PATTERNS, Direction, SchemaReader, composed, schema_properties


def check_values(contract: Contract, parts: Parts) -> Iterator[Finding]:
    """Check that schemas compile, that defaults and examples are valid, and that every body and response has an example."""
    requests, responses = SchemaReader(contract, Direction.REQUEST), SchemaReader(contract, Direction.RESPONSE)
    violated = list(_check_patterns(contract, parts.new)) or list(_check_schemas(contract, parts.new, requests))
    yield from violated
    if violated:
        return
    for pointer, node, kind in parts.affected:
        if kind == "schema":
            for keyword in ("default", "x-create-default"):
                if keyword in node:
                    yield from _check_value(contract, (*pointer, keyword), requests.validator(node), node[keyword])
            if not _TELLING.isdisjoint(node):
                yield from _check_schema_values(contract, pointer, node, requests, responses)
        if kind == "parameter" and "schema" in node:
            for place, value in _examples(contract, pointer, node):
                yield from _check_value(contract, place, requests.validator(node["schema"]), value)
        if kind == "schema" and "x-url-template" in node:
            yield from _check_url_template(contract, pointer, node)
    yield from _check_contents(contract, parts.paths, requests, responses)


# Keywords permitted beside `x-url-template`.
_BESIDE_URL = frozenset(
    {"type", "readOnly", "x-url-template", "title", "description", "example", "deprecated", "externalDocs"}
)


def _check_contents(
    contract: Contract, paths: Set[str], requests: SchemaReader, responses: SchemaReader
) -> Iterator[Finding]:
    # Operations share most of their responses.
    seen: set[tuple[Pointer, Any]] = set()
    for pointer, path, method, operation in contract.operations():
        if path not in paths:
            continue
        reads = "requestBody" in operation or bool(parameters(contract, path, method, "query"))
        contents = [((*pointer, "requestBody"), requests)] if "requestBody" in operation else []
        contents += [((*pointer, "responses", code), responses) for code in operation["responses"]]
        for place, reader in contents:
            where, described = contract.resolve(place, contract.at(place))
            if (where, place[-1]) in seen:
                continue
            seen.add((where, place[-1]))
            by_alternative = reader is requests and bool(operation.get("x-challenges"))
            yield from _check_examples(contract, where, described, reader, by_alternative=by_alternative)
            if reader is requests and not by_alternative:
                yield from _check_presence(contract, where, described, reader)
            if place[-1] == "400":
                yield from _check_rejection(contract, where, described, reader, reads=reads)


def _check_presence(
    contract: Contract, where: Pointer, described: dict[str, Any], reader: SchemaReader
) -> Iterator[Finding]:
    """Check that the schema of an optional body admits `{}`: an omitted body is read as `{}`."""
    if not described.get("required", False):
        for media in described["content"].values():
            if not reader.validator(media["schema"]).is_valid({}):
                problem = "An omitted body is read as `{}`, which its schema rejects."
                yield contract.finding(where, problem, "Add `required: true`.")


def _check_patterns(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    compiles: dict[str, bool] = {}
    for pointer, node, kind in parts:
        if kind == "schema" and isinstance(pattern := node.get("pattern"), str):
            if pattern not in compiles:
                compiles[pattern] = _compiles({"pattern": pattern})
            if not compiles[pattern]:
                yield contract.finding(
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


def _check_schemas(contract: Contract, parts: Sequence[Part], reader: SchemaReader) -> Iterator[Finding]:
    """Check that each schema is meaningful and compiles."""
    for pointer, node, kind in parts:
        if len(pointer) == 3 and pointer[:2] == ("components", "schemas"):
            node = {"$ref": reference_to(pointer)}
        elif kind != "schema" or pointer[-1] != "schema" or "$ref" in node:
            # Referenced schemas are reported separately.
            continue
        for error in reader.findings(node):
            place = (*pointer, *error.instance_path)
            yield contract.finding(place, f"The schema is invalid: {error.message}.", "Correct it.")


def _check_url_template(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    """Check that a URL is built from properties of its object, and valid for all of their values."""
    template = schema["x-url-template"]
    if pointer[-2] != "properties" or schema.get("type") != "string" or not schema.get("readOnly"):
        problem = "A URL can be built for a property with `type: string` and `readOnly: true` only."
        yield contract.finding((*pointer, "x-url-template"), problem, "Move it to one.")
        return
    for keyword in sorted(schema.keys() - _BESIDE_URL):
        problem = "A property with `x-url-template` can't restrict its text."
        yield contract.finding((*pointer, keyword), problem, "Remove this keyword.")
    owner, place = pointer[:-2], (*pointer, "x-url-template")
    properties = schema_properties(contract, contract.at(owner), owner)
    if "{" in (rest := re.sub(r"\{\w+\}", "", template)) or "}" in rest:
        yield contract.finding(place, "The braces of the template hold no name.", "Write names only: `{slug}`.")
        return
    for name in re.findall(r"\{(\w+)\}", template):
        if name not in properties:
            problem = f"The template names {name!r}, which is not a property of the object."
            yield contract.finding(place, problem, "Name one that is.")
        elif properties[name][1].get("type") != "string" or "x-url-template" in properties[name][1]:
            yield contract.finding(place, f"The template names {name!r}, which is not a string.", "Name one that is.")


def _check_rejection(
    contract: Contract, where: Pointer, described: dict[str, Any], reader: SchemaReader, *, reads: bool
) -> Iterator[Finding]:
    """Check that the 400 of an operation admits the messages of the server, besides those of the handler.

    :param reads: whether the operation reads values that may be invalid
    """
    rejections: list[dict[str, Any]] = [{"detail": "A sentence."}, *([{"member": ["A sentence."]}] if reads else [])]
    for media_type, media in described.get("content", {}).items():
        for rejection in rejections:
            if not reader.validator(media["schema"]).is_valid(rejection):
                yield contract.finding(
                    (*where, "content", media_type, "schema"),
                    f"The server may respond with {json.dumps(rejection)}, which violates the schema.",
                    "Admit it, if need be by `anyOf`.",
                )


def _check_examples(
    contract: Contract, where: Pointer, described: dict[str, Any], reader: SchemaReader, *, by_alternative: bool
) -> Iterator[Finding]:
    for media_type, media in described.get("content", {}).items():
        place: Pointer = (*where, "content", media_type)
        examples = list(_examples(contract, place, media))
        if not examples:
            yield contract.finding(place, "There is no example.", "Add an `example` that shows what is sent.")
        for example_place, value in examples:
            schema = _alternative(contract, media["schema"], value) if by_alternative else media["schema"]
            if schema is None:
                yield contract.finding(example_place, "The example names no alternative of the body.", "Name one.")
                continue
            yield from _check_value(contract, example_place, reader.validator(schema), value)


def _alternative(contract: Contract, schema: dict[str, Any], value: Any) -> dict[str, Any] | None:
    """The alternative of a schema that the discriminator of a value names; None if it names none."""
    discriminator = contract.resolve((), schema)[1].get("discriminator", {})
    name = value.get(discriminator.get("propertyName")) if isinstance(value, dict) else None
    text = discriminator.get("mapping", {}).get(name) if isinstance(name, str) else None
    return None if text is None else {"$ref": text}


def _examples(contract: Contract, pointer: Pointer, described: dict[str, Any]) -> Iterator[tuple[Pointer, Any]]:
    """The examples of a media type or a parameter, with their pointers."""
    if "example" in described:
        yield (*pointer, "example"), described["example"]
    for name, example in described.get("examples", {}).items():
        place, example = contract.resolve((*pointer, "examples", name), example)
        if "value" in example:
            yield (*place, "value"), example["value"]


# Keywords whose values are instances of the schema, or that may leave no value of an enum.
_TELLING = frozenset({"example", "enum", "allOf"})
# Keywords beside which only the type of an enum has to be checked.
_PLAIN = frozenset({"type", "enum", "nullable", "description", "title", "default", "example", "readOnly", "writeOnly"})


def _check_schema_values(
    contract: Contract, pointer: Pointer, schema: dict[str, Any], requests: SchemaReader, responses: SchemaReader
) -> Iterator[Finding]:
    """Check that examples and the values of enums fit their schema, in requests or responses."""
    if "example" in schema and not responses.validator(schema).is_valid(schema["example"]):
        yield from _check_value(contract, (*pointer, "example"), requests.validator(schema), schema["example"])
    plain = {key for key in schema if not key.startswith("x-")} <= _PLAIN | {"allOf"}
    if "allOf" in schema and "enum" not in schema and not (plain and len(schema["allOf"]) == 1):
        yield from _check_shared_values(contract, pointer, schema, requests)
    if "enum" in schema and not (plain and "allOf" not in schema):
        validator = requests.validator({key: value for key, value in schema.items() if key != "enum"})
        for index, value in enumerate(schema["enum"]):
            for error in validator.iter_errors(value) if value is not None else ():
                problem = f"The value {shown(value)} can never be sent: {error.message}."
                yield contract.finding(
                    (*pointer, "enum", index), problem, "Remove it, or correct the keywords beside it."
                )


def _check_shared_values(
    contract: Contract, pointer: Pointer, schema: dict[str, Any], reader: SchemaReader
) -> Iterator[Finding]:
    """Check that all parts of `allOf` admit one of the enum's values; a part that admits none has a finding itself."""
    values = [value for part in composed(contract, schema) for value in part.get("enum", ())]

    def admits(part: dict[str, Any]) -> bool:
        return any(map(reader.validator(part).is_valid, values))

    if values and not admits(schema) and all(map(admits, schema["allOf"])):
        yield contract.finding(
            (*pointer, "allOf"), "No value of the enum fits all parts of `allOf`.", "Correct the enum, or the parts."
        )


def _check_value(contract: Contract, pointer: Pointer, validator: Validator, value: Any) -> Iterator[Finding]:
    for error in validator.iter_errors(value):
        yield contract.finding(
            (*pointer, *error.instance_path),
            f"The value violates its schema: {error.message}.",
            "Correct the value or the schema.",
        )
