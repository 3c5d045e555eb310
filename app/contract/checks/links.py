"""Check of the links of responses."""

import re
from collections.abc import Iterator
from typing import Any

from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract, Pointer, parse_reference
from app.contract.document.findings import Finding, did_you_mean
from app.contract.validation.schemas import flattened, schema_properties

# OpenAPI 3.0.3, "Runtime Expressions".
_EXPRESSION = re.compile(
    r"\$(?:url|method|statusCode|(request|response)\.(?:(header|query|path)\.(.+)|body(?:#(/.*)?)?))"
)


def check_links(contract: Contract) -> Iterator[Finding]:
    """Check that each link names an operation and its parameters, with values from existing parts."""
    operations = {operation["operationId"]: (path, method) for _, path, method, operation in contract.operations()}
    for pointer, path, method, operation in contract.operations():
        for code, response in operation["responses"].items():
            where, response = contract.resolve((*pointer, "responses", code), response)
            for name, link in response.get("links", {}).items():
                place, link = contract.resolve((*where, "links", name), link)
                yield from _check_link(contract, place, link, operations)
                for key, value in (*link.get("parameters", {}).items(), *_bodies(link)):
                    at = (*place, "requestBody") if key is None else (*place, "parameters", key)
                    yield from _check_expression(contract, at, value, response, path, method)


def _bodies(link: dict[str, Any]) -> Iterator[tuple[None, Any]]:
    if "requestBody" in link:
        yield None, link["requestBody"]


def _check_link(
    contract: Contract, place: Pointer, link: dict[str, Any], operations: dict[str, tuple[str, str]]
) -> Iterator[Finding]:
    name, reference = link.get("operationId"), link.get("operationRef")
    if (name is None) == (reference is None):
        yield contract.finding(
            place, "A link names one operation.", "Give it `operationId` or `operationRef`, one of them."
        )
        return
    if name is not None:
        target = operations.get(name)
        if target is None:
            remedy = did_you_mean(name, operations, "Name the operationId of one that is there.")
            yield contract.finding((*place, "operationId"), f"There is no operation {name!r}.", remedy)
            return
    else:
        target = _operation_at(contract, str(reference))
        if target is None:
            remedy = "Name one as in '#/paths/~1flows~1instances~1/get'."
            yield contract.finding((*place, "operationRef"), f"The reference {reference!r} names no operation.", remedy)
            return
    known = {kind: parameters(contract, *target, kind) for kind in ("path", "query")}
    for parameter in link.get("parameters", {}):
        kind, _, rest = parameter.partition(".")
        names = [name for kind in known for name in known[kind]]
        if not (parameter in names or rest in known.get(kind, ())):
            remedy = did_you_mean(rest or parameter, names, "Name one that it has.")
            problem = f"The operation that the link leads to has no parameter {parameter!r}."
            yield contract.finding((*place, "parameters", parameter), problem, remedy)


def _operation_at(contract: Contract, reference: str) -> tuple[str, str] | None:
    try:
        pointer = parse_reference(reference)
        contract.at(pointer)
    except KeyError:
        return None
    return next(((path, method) for place, path, method, _ in contract.operations() if place == pointer), None)


def _check_expression(
    contract: Contract, place: Pointer, value: Any, response: dict[str, Any], path: str, method: str
) -> Iterator[Finding]:
    """Check that a runtime expression names an existing part of the request or the response."""
    if not (isinstance(value, str) and value.startswith("$")):
        return
    found = _EXPRESSION.fullmatch(value)
    if found is None:
        yield contract.finding(
            place, f"{value!r} is not an expression of OpenAPI.", "Write it as '$response.body#/pk'."
        )
        return
    side, kind, name, inner = found.groups()
    if side == "request" and kind in ("query", "path"):
        if name not in (known := parameters(contract, path, method, kind)):
            problem = f"The operation has no parameter {name!r} in the {kind}."
            yield contract.finding(place, problem, did_you_mean(name, known, "Name one that it has."))
    elif inner:
        described = response
        if side == "request":
            described = contract.resolve((), contract.document["paths"][path][method].get("requestBody", {}))[1]
        for media in described.get("content", {}).values():
            if (missing := _missing(contract, media.get("schema", {}), inner)) is not None:
                problem = f"The body has no property {missing!r}."
                yield contract.finding(
                    place, problem, did_you_mean(missing, _names(contract, media["schema"]), "Name one that it has.")
                )


def _missing(contract: Contract, schema: Any, inner: str) -> str | None:
    """The first key of a JSON Pointer that a schema does not define, if it defines its properties."""
    for key in inner[1:].split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        keywords = flattened(contract, schema)
        if keywords.get("type") == "array" and key.isdecimal():
            schema = keywords["items"]
            continue
        properties = schema_properties(contract, schema)
        if not properties or not {"anyOf", "oneOf"}.isdisjoint(keywords):
            return None
        if key not in properties:
            return key
        schema = properties[key][1]
    return None


def _names(contract: Contract, schema: Any) -> list[str]:
    return list(schema_properties(contract, schema))
