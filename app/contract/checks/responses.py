"""Check that the responses of an operation admit all values that its request admits."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, shown
from app.contract.validation.schemas import Direction, SchemaReader, admits_null, composed, schema_properties

_LIMITS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
_UPPER = ("maxLength", "maximum", "maxItems", "maxProperties")
_LOWER = ("minLength", "minimum", "minItems", "minProperties")
# Keywords whose values have no order.
_OTHERS = ("pattern", "format", "multipleOf", "uniqueItems")
# Formats that do not restrict values.
_SHOWN = frozenset({"password", "float", "double", "binary"})

Keywords = Mapping[str, list[tuple[Pointer, Any]]]


def check_responses(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], compared: set[tuple[Pointer, Pointer]]
) -> Iterator[Finding]:
    """Check that a response admits each value of a property that the request admits.

    :param operation: an operation whose handler stores the body and returns it
    :param compared: the pointers of properties compared for other operations
    """
    where, body = contract.resolve((*pointer, "requestBody"), operation["requestBody"])
    for code, response in operation["responses"].items():
        if code >= "300":
            continue
        place, response = contract.resolve((*pointer, "responses", code), response)
        for media_type, media in body["content"].items():
            sent = schema_properties(contract, media["schema"], (*where, "content", media_type, "schema"))
            for response_type, response_media in response.get("content", {}).items():
                in_responses = schema_properties(
                    contract, response_media["schema"], (*place, "content", response_type, "schema")
                )
                if code == "201":
                    at = (*place, "content", response_type, "schema")
                    yield from _check_required(contract, at, media["schema"], response_media["schema"])
                for name in sent.keys() & in_responses.keys():
                    (here, schema), (there, _) = sent[name], in_responses[name]
                    if (here, there) not in compared and not (schema.get("readOnly") or schema.get("x-ignored")):
                        compared.add((here, there))
                        yield from _check(contract, name, sent[name], in_responses[name])


def given_to_new(contract: Contract, sent: Any, created: Iterable[Any]) -> set[str]:
    """The properties that each new object has.

    :param sent: the schema of the body that creates it
    :param created: the schemas of the responses
    """
    required = {name for part in composed(contract, sent) for name in part.get("required", ())}
    given = set()
    for schema in (sent, *created):
        for name, (_, property_schema) in schema_properties(contract, schema).items():
            if "x-create-default" in property_schema:
                given.add(name)
            elif schema is sent and not (property_schema.get("readOnly") or property_schema.get("x-ignored")):
                # Without a target, a reference is null, or an empty list.
                given |= {name} if name in required or "x-references" in property_schema else set()
    return given


def _check_required(contract: Contract, pointer: Pointer, sent: Any, created: Any) -> Iterator[Finding]:
    """Check that the response requires no property that a new object may lack.

    :param pointer: the pointer of the response's schema
    """
    given = given_to_new(contract, sent, [created])
    known = schema_properties(contract, sent).keys()
    for keyword, values in _keywords(contract, pointer, created).items():
        for place, names in values if keyword == "required" else ():
            for index, name in enumerate(names):
                if name in known and name not in given:
                    problem = f"A new object may lack {name!r}, which the response requires."
                    remedy = "Make it `required` in the body, give it an `x-create-default`, or don't require it in the response."
                    yield contract.finding((*place, index), problem, remedy)


def _check(
    contract: Contract, name: str, sent: tuple[Pointer, dict[str, Any]], in_responses: tuple[Pointer, dict[str, Any]]
) -> Iterator[Finding]:
    at, place = sent[0], in_responses[0]
    one, other = contract.at(at), contract.at(place)
    # Most are repeated by YAML anchors.
    if in_responses[1].get("writeOnly") is True or one == other or _rules(one) == _rules(other):
        return
    narrower = list(_narrower(contract, at, place))
    for where in narrower:
        yield contract.finding(
            where,
            f"The response admits fewer values of {name!r} than the request.",
            f"Admit each value that {contract.locate(at)} admits.",
        )
    validator = SchemaReader(contract, Direction.RESPONSE).validator(other)
    few = sent[1].get("enum", (True, False) if sent[1].get("type") == "boolean" else ())
    for value in () if narrower else few:
        if value is not None and not validator.is_valid(value):
            problem = f"The response does not admit a value of {name!r} that the request admits: {shown(value)}."
            yield contract.finding(place, problem, "Admit it here.")
    default = sent[1].get("x-create-default", in_responses[1].get("x-create-default"))
    if default is not None and not validator.is_valid(default):
        problem = f"The response does not admit the default of {name!r}: {shown(default)}."
        yield contract.finding(place, problem, "Admit it here.")


def _rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a schema that restrict values."""
    return {key: value for key, value in schema.items() if key not in _WORDS and not key.startswith("x-")}


_WORDS = frozenset({"description", "title", "example", "default", "deprecated", "readOnly"})


def _narrower(contract: Contract, sent: Pointer, in_responses: Pointer) -> Iterator[Pointer]:
    """The keywords of the response schema that reject values of the request schema, as far as they are comparable."""
    one, other = contract.at(sent), contract.at(in_responses)
    if one == other:
        return
    ours, theirs = _keywords(contract, sent, one), _keywords(contract, in_responses, other)
    types = {kind for _, kind in ours.get("type", [])}
    for place, kind in theirs.get("type", []):
        if kind not in types and not (kind == "number" and "integer" in types):
            yield place
            return
    if admits_null(contract, one) and not admits_null(contract, other):
        yield in_responses
    yield from _values(ours, theirs)
    for place, items in theirs.get("items", []):
        if items != {} and "items" in ours:
            yield from _narrower(contract, (*ours["items"][0][0],), place)


def _values(ours: Keywords, theirs: Keywords) -> Iterator[Pointer]:
    """The pointers in `theirs` of keywords that reject values of `ours`."""
    values = [set(map(shown_exactly, enum)) for _, enum in ours.get("enum", [])]
    if any(kind == "boolean" for _, kind in ours.get("type", [])):
        values.append({shown_exactly(True), shown_exactly(False)})
    for place, enum in theirs.get("enum", []):
        if not values or not set.intersection(*values) - {"null"} <= set(map(shown_exactly, enum)):
            yield place
    if not values:
        # The values of an enum are within all limits, which another check ensures.
        yield from _limits(ours, theirs, _UPPER, min, math.inf)
        yield from _limits(ours, theirs, _LOWER, max, -math.inf)
        for keyword in _OTHERS:
            held = [value for _, value in ours.get(keyword, [])]
            for place, value in theirs.get(keyword, []):
                if value not in held and value is not False and value not in _SHOWN:
                    yield place


def _limits(
    ours: Keywords, theirs: Keywords, keywords: tuple[str, ...], tightest: Callable[..., Any], none: float
) -> Iterator[Pointer]:
    for keyword in keywords:
        limit = tightest((value for _, value in ours.get(keyword, [])), default=none)
        for place, value in theirs.get(keyword, []):
            if keyword in _LIMITS and value == limit:
                # An exclusive limit rejects a value that an inclusive one admits.
                exclusive = _LIMITS[keyword]
                if any(also for _, also in theirs.get(exclusive, [])) and not any(
                    also for _, also in ours.get(exclusive, [])
                ):
                    yield place
            if tightest(value, limit) != limit and not (keyword in _LOWER and value == 0 and keyword != "minimum"):
                yield place


def shown_exactly(value: Any) -> str:
    """A distinct text for each JSON value."""
    return f"{type(value).__name__} {value!r}" if value is not None else "null"


def _keywords(contract: Contract, pointer: Pointer, schema: Any) -> Keywords:
    """The keywords of a schema and of the parts of its `allOf`, with their pointers."""
    found: dict[str, list[tuple[Pointer, Any]]] = {}
    waiting = [(pointer, schema)]
    while waiting:
        place, part = contract.resolve(*waiting.pop())
        for keyword, value in part.items():
            found.setdefault(keyword, []).append(((*place, keyword), value))
        waiting += [((*place, "allOf", index), inner) for index, inner in enumerate(part.get("allOf", ()))]
    return found
