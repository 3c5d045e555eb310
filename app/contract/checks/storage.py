"""Does the store have a member and a column for what operations write and filter by?"""

import math
from collections.abc import Iterator, Mapping, Set
from functools import cache
from typing import Any

import jsonschema_rs

from app.contract.checks.answers import given_to_new
from app.contract.checks.parameters import declared_parameters
from app.contract.findings import Finding
from app.contract.schemas import FORMATS, PATTERNS, admits_null, composed, properties
from app.contract.source import Pointer, Source


def check_stored(
    source: Source, pointer: Pointer, path: str, operation: dict[str, Any], stored: Set[str]
) -> Iterator[Finding]:
    """Check that the store keeps every member that is written, filtered, searched or sorted by."""
    named: list[tuple[Pointer, str]] = []
    for place, declared in declared_parameters(source, pointer, path):
        where, parameter = source.resolve(place, declared)
        if "x-filters" in parameter:
            named.append(((*where, "x-filters"), parameter["x-filters"]))
        for extension in ("x-searches", "x-orders-by"):
            named += [((*where, extension, index), name) for index, name in enumerate(parameter.get(extension, ()))]
    if "requestBody" in operation:
        where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
        for media_type, media in body["content"].items():
            members = properties(source, media["schema"], (*where, "content", media_type, "schema"))
            if members.keys().isdisjoint(_answered(source, operation)):
                # The body is not a stored object, but an instruction on one.
                continue
            named += [
                (place, name)
                for name, (place, schema) in members.items()
                if not schema.get("readOnly") and not schema.get("x-ignored")
            ]
    for place, name in named:
        if name not in stored:
            yield source.finding(
                place,
                f"The store keeps no member {name!r}.",
                "Add a column and a migration in app/store/, or correct the name.",
            )


def check_columns(
    source: Source, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """Check that written values have the types of their columns and are never null, and that a new object has a value for each.

    :param types: the types of the columns, by the names of their properties
    """
    yield from _check_new(source, pointer, operation, types)
    where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
    for media_type, media in body["content"].items():
        members = properties(source, media["schema"], (*where, "content", media_type, "schema"))
        if members.keys().isdisjoint(_answered(source, operation)):
            continue
        for name, (place, schema) in members.items():
            wanted = types.get(name)
            if wanted is None or any(schema.get(key) for key in ("readOnly", "x-ignored", "x-references")):
                continue
            if (kind := schema.get("type")) != wanted:
                problem = f"The store keeps {name!r} as {wanted}, and not as {kind or 'a value of any type'}."
                yield source.finding(place, problem, f"Make it `type: {wanted}`.")
            elif admits_null(source, source.at(place)):
                yield source.finding(place, f"The store keeps no null for {name!r}.", "Take `nullable` away.")
            elif wanted == "string" and takes_nul(source, source.at(place)):
                problem = f"The store keeps no text with NUL for {name!r}."
                yield source.finding(place, problem, "Add `pattern: '^[^\\x00]*$'`.")
            elif wanted == "integer" and not _fits(source, source.at(place)):
                problem = f"The store keeps {name!r} in 32 bits."
                yield source.finding(place, problem, "Add `format: int32`, or a `minimum` and a `maximum` within.")


def _check_new(
    source: Source, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """Check that a new object has a value for each column."""
    if "201" not in operation["responses"]:
        return
    where, body = source.resolve((*pointer, "requestBody"), operation["requestBody"])
    (sent,) = (media["schema"] for media in body["content"].values())
    answer = source.resolve((), operation["responses"]["201"])[1]
    created = [media["schema"] for media in answer.get("content", {}).values()]
    given = given_to_new(source, sent, created)
    for name in sorted(types.keys() - given):
        problem = f"A new object may lack {name!r}, of which the store keeps a value."
        place = properties(source, sent, (*where, "content", next(iter(body["content"])), "schema")).get(
            name, (where, {})
        )[0]
        yield source.finding(place, problem, "Make it `required`, or give it an `x-create-default`.")


# Texts with NUL, of which a pattern admits one if it admits NUL by and large.
_NUL = ("\0", "a\0", "\0a", "a\0a", "0\0", "0" * 40 + "\0")


def takes_nul(source: Source, schema: dict[str, Any]) -> bool:
    """Whether text with NUL is admitted, as far as patterns tell."""
    for part in composed(source, schema):
        if "enum" in part or part.get("format") in FORMATS.keys() - {"password", "byte", "regex"}:
            return False
        if "pattern" in part and not _matches_nul(part["pattern"]):
            return False
        forbidden = part.get("not", {})
        if forbidden.keys() == {"pattern"} and _matches_nul(forbidden["pattern"]):
            return False
    return True


@cache
def _matches_nul(pattern: str) -> bool:
    validator = jsonschema_rs.Draft4Validator({"pattern": pattern}, pattern_options=PATTERNS)
    return any(map(validator.is_valid, _NUL))


def _fits(source: Source, schema: dict[str, Any]) -> bool:
    """Whether all integers of a schema fit into 32 bits."""
    parts = list(composed(source, schema))
    least = max((part["minimum"] for part in parts if "minimum" in part), default=-math.inf)
    most = min((part["maximum"] for part in parts if "maximum" in part), default=math.inf)
    return any(part.get("format") == "int32" for part in parts) or (least >= -(2**31) and most < 2**31)


def _answered(source: Source, operation: dict[str, Any]) -> Iterator[str]:
    """The members of the successful responses of an operation."""
    for code, answer in operation["responses"].items():
        if code < "300":
            for media in source.resolve((), answer)[1].get("content", {}).values():
                yield from properties(source, media["schema"])
