"""Check of the document against OpenAPI 3.0, and of its references."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationError

from app.contract.checks.cycles import check_cycles
from app.contract.checks.grammar import META_SCHEMA, keys_at, object_at
from app.contract.document.contract import CircularReference, Contract, Pointer, as_pointer, parse_reference
from app.contract.document.findings import Finding, did_you_mean

_SEE = "See the OpenAPI Specification 3.0.3."


def check_references(contract: Contract) -> Iterator[Finding]:
    """Check that each `$ref` resolves to a part of this document of the expected kind (OpenAPI 3.0.3, "Reference
    Object").
    """
    found = list(_check_references(contract))
    yield from found
    if not found:
        yield from check_cycles(contract)


def _check_references(contract: Contract) -> Iterator[Finding]:
    # Most are repeated many times.
    right: set[tuple[str | None, str]] = set()
    for file, pointer, node in contract.references():
        section = _SECTIONS.get(pointer[-2]) or _SECTIONS.get(pointer[-1]) if len(pointer) > 1 else None
        if (section, node["$ref"]) in right:
            continue
        place = (*pointer, "$ref")
        try:
            contract.resolve((), node)
            target = parse_reference(node["$ref"])
        except CircularReference:
            yield Finding(file.locate(place), "The references are circular.", "Name a part that is described.")
        except KeyError:
            yield Finding(
                file.locate(place),
                f"The reference {node['$ref']!r} has no target.",
                "Name a part of this file, as in '#/components/schemas/Flow'.",
            )
        else:
            if len(target) == 3 and target[:2] == ("components", section):
                right.add((section, node["$ref"]))
                continue
            wanted, found = object_at(_in_document(pointer)), object_at(target)
            if wanted and wanted != found:
                problem = f"The reference {node['$ref']!r} names no {wanted}{f', but a {found}' if found else ''}."
                yield Finding(file.locate(place), problem, f"Name a {wanted}.")


# The kinds of components below some keys; all other kinds are looked up.
_SECTIONS: dict[str | int, str] = {
    **dict.fromkeys(("properties", "allOf", "anyOf", "oneOf", "items", "schema"), "schemas"),
    **{section: section for section in ("parameters", "responses", "headers", "links", "examples")},
    "requestBody": "requestBodies",
}


def _in_document(pointer: Pointer) -> Pointer:
    """The pointer in an OpenAPI document with the same kind of object as a part of a file."""
    return pointer if pointer[:1] in (("paths",), ("components",)) else ("components", *pointer)


def check_structure(contract: Contract) -> Iterator[Finding]:
    """Check the document against the meta-schema of the OpenAPI Specification 3.0."""
    version = contract.document.get("openapi")
    if not (isinstance(version, str) and version.startswith("3.0.")):
        found = "not an OpenAPI document" if version is None else f"OpenAPI {version!r}, which is not served"
        yield contract.finding(("openapi",), f"This is {found}.", "Write the contract in OpenAPI 3.0.3.")
        return
    if _meta_schema().is_valid(contract.document):
        return
    for error in _meta_schema().iter_errors(contract.document):
        yield from _breaches(contract, error)


def _breaches(contract: Contract, error: ValidationError) -> Iterator[Finding]:
    """Convert an error of the meta-schema to findings: those of the intended alternative, if it has any."""
    place = as_pointer(contract.document, error.instance_path)
    if branches := getattr(error.kind, "context", None):
        yield from _breaches_of_alternatives(contract, place, branches)
    elif error.kind.name == "additionalProperties":
        for key in error.kind.as_dict()["unexpected"]:
            yield contract.finding((*place, key), *_unknown(place, key))
    elif error.kind.name == "required":
        yield contract.finding(place, f"The key `{error.kind.value}` is missing, which OpenAPI requires.", "Add it.")
    elif error.kind.name == "enum":
        yield _no_choice(contract, place, list(map(str, error.kind.value)))
    elif error.kind.name == "not" and isinstance(keys := _excluded(error), list):
        problem = f"The keys {' and '.join(f'`{key}`' for key in keys)} exclude one another."
        yield contract.finding(place, problem, "Remove one of them.")
    else:
        yield _breach(contract, place, error.message)


def _breaches_of_alternatives(
    contract: Contract, place: Pointer, branches: list[list[ValidationError]]
) -> Iterator[Finding]:
    """The findings of the intended alternative, as far as it can be determined."""
    value = contract.at(place)
    is_reference = isinstance(value, dict) and "$ref" in value
    meant = [branch for branch in branches if _wants_reference(branch) == is_reference] or branches
    # A key such as `in` or `type` excludes alternatives, unless it excludes all.
    reported = [branch for branch in meant if not any(_is_choice(error, place) for error in branch)]
    if not reported and len(meant) > 1:
        choices = [error for branch in meant for error in branch if _is_choice(error, place)]
        options = dict.fromkeys(str(option) for error in choices for option in error.kind.value)
        yield _no_choice(contract, as_pointer(contract.document, choices[0].instance_path), list(options))
        return
    # Of several the best match has the most deeply nested errors.
    for inner in max(reported or meant, key=lambda branch: max((len(one.instance_path) for one in branch), default=0)):
        yield from _breaches(contract, inner)


def _is_choice(error: ValidationError, place: Pointer) -> bool:
    return error.kind.name == "enum" and len(error.instance_path) == len(place) + 1


def _no_choice(contract: Contract, place: Pointer, options: list[str]) -> Finding:
    value = contract.at(place)
    problem = f"{value!r} is not one of: {', '.join(options)}."
    return contract.finding(place, problem, did_you_mean(str(value), options, "Use one of them."))


def _excluded(error: ValidationError) -> Any:
    """The mutually exclusive keys of an error, if it is about any."""
    schema = error.kind.as_dict().get("schema")
    return schema.get("required") if isinstance(schema, dict) else None


def _wants_reference(branch: list[ValidationError]) -> bool:
    return any(error.kind.name == "required" and error.kind.value == "$ref" for error in branch)


def _unknown(place: Pointer, key: str) -> tuple[str, str]:
    """The problem and the remedy for a key that OpenAPI does not define at a pointer."""
    if place == ("paths",):
        return f"The path {key!r} does not begin with a slash.", f"Write it as '/{key}'."
    if place[-1:] == ("responses",):
        return f"The response {key!r} is not a status code.", "Write one of three digits, in quotes."
    if key in ("const", "if", "$defs", "patternProperties", "examples", "prefixItems", "contains", "$schema"):
        return f"The keyword {key!r} is not one of OpenAPI 3.0.", "Express it by the keywords that OpenAPI 3.0 has."
    return f"The keyword {key!r} is not known here.", did_you_mean(key, keys_at(place), _SEE)


@cache
def _meta_schema() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(META_SCHEMA, validate_formats=False)


def check_specification(contract: Contract) -> Iterator[Finding]:
    """Check the document with `openapi-spec-validator`.

    It takes longer than all other checks together, seldom locates the error, and rarely finds anything that they miss.
    """
    from openapi_spec_validator import OpenAPIV30SpecValidator

    for error in OpenAPIV30SpecValidator(contract.document).iter_errors():
        yield _breach(contract, tuple(error.absolute_path) or _place_named_in(contract, error.message), error.message)


def _breach(contract: Contract, place: Pointer, message: str) -> Finding:
    problem = f"This violates the OpenAPI Specification: {message.rstrip('.')}."
    return contract.finding(place, problem, _SEE)


def _place_named_in(contract: Contract, message: str) -> Pointer:
    """The operation that a message quotes, for errors without a location."""
    quoted = re.findall(r"'([^']*)'", message)
    paths = contract.document["paths"]
    path = next((text for text in quoted if text in paths), None)
    if path is None:
        return ()
    method = next((text for text in quoted if text in paths[path]), None)
    return ("paths", path, method) if method else ("paths", path)
