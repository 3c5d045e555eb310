"""Check of the parameters of operations."""

import re
from collections.abc import Iterator
from typing import Any

from app.contract.compile.plan import parameters
from app.contract.document.contract import OPERATION_METHODS, Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.request.path import argument_of
from app.contract.validation.schemas import flattened

# The extensions that give a query parameter its purpose.
_USES = ("x-filters", "x-searches", "x-orders-by")


def check_parameters(
    contract: Contract, pointer: Pointer, path: str, method: str, seen: set[Pointer]
) -> Iterator[Finding]:
    """Check that plans support each parameter of an operation.

    :param seen: the pointers of the parameters checked for other operations
    """
    for place, declared in declared_parameters(contract, pointer, path):
        where, parameter = contract.resolve(place, declared)
        if where in seen:
            continue
        seen.add(where)
        yield from _check_parameter(contract, where, parameter)
    first = next(name for name in OPERATION_METHODS if name in contract.document["paths"][path])
    if _path_values(contract, path, method) != _path_values(contract, path, first):
        yield contract.finding(
            pointer,
            f"The parameters of the path differ from those of the operation at {contract.locate(('paths', path, first))}.",
            "Declare them once, for the path.",
        )
    yield from _check_names(contract, pointer, path)
    for _, parameter in parameters(contract, path, method, "query").values():
        yield from _check_default(contract, pointer, parameter)


def _check_parameter(contract: Contract, where: Pointer, parameter: dict[str, Any]) -> Iterator[Finding]:
    """Check that plans support a parameter."""
    location, name = parameter["in"], parameter["name"]
    if location not in ("query", "path"):
        yield contract.finding(
            (*where, "in"), f"Parameters in {location!r} are not served.", "Send it in the query or the path."
        )
    elif name.isdecimal():
        yield contract.finding((*where, "name"), f"The name {name!r} is a number.", "Begin it with a letter.")
    elif "schema" not in parameter:
        yield contract.finding(where, f"The parameter {name!r} has no schema.", "Describe it by a schema.")
    elif parameter.get("style", "form" if location == "query" else "simple") not in ("form", "simple") or (
        location == "query" and parameter.get("explode") is False
    ):
        yield contract.finding(
            where, f"The style of the parameter {name!r} is not served.", "Remove style and explode."
        )
    elif (kind := flattened(contract, parameter["schema"]).get("type")) == "object" or (
        location == "path" and kind not in ("string", "integer")
    ):
        yield contract.finding(
            (*where, "schema"),
            f"A parameter of type {kind!r} in the {location} is not served.",
            "Make it a string or an integer." if location == "path" else "Use one parameter for each property.",
        )
    elif location != "path" and "x-argument" in parameter:
        yield contract.finding(
            (*where, "x-argument"), "Only a path parameter can have another name for the handler.", "Remove it."
        )
    else:
        yield from _check_use(contract, where, parameter)


def _check_default(contract: Contract, pointer: Pointer, parameter: dict[str, Any]) -> Iterator[Finding]:
    """Check that a parameter has a default, if some values are to be replaced by it."""
    for keyword in ("x-default-below", "x-default-for-text"):
        if keyword in parameter and "default" not in flattened(contract, parameter.get("schema", {})):
            problem = f"The parameter {parameter['name']!r} has `{keyword}` and no default."
            yield contract.finding(pointer, problem, "Give its schema a default.")


def _check_use(contract: Contract, where: Pointer, parameter: dict[str, Any]) -> Iterator[Finding]:
    """Check that a parameter has one purpose: it filters, or it is a text to search or to sort by."""
    first, *others = [name for name in _USES if name in parameter] or [""]
    for name in others:
        yield contract.finding((*where, name), f"The parameter has `{first}` already.", "Remove one of them.")
    kind = flattened(contract, parameter["schema"]).get("type")
    if first in _USES[1:] and kind != "string":
        problem = f"A parameter with `{first}` is read as text, and not as {kind or 'a value of any type'}."
        yield contract.finding((*where, "schema"), problem, "Make it `type: string`.")


def _check_names(contract: Contract, pointer: Pointer, path: str) -> Iterator[Finding]:
    """Check that the path has its declared parameters, and that none is declared twice in one place."""
    missing = set(re.findall(r"{([^{}]+)}", path))
    in_braces = frozenset(missing)
    seen = set()
    for place, declared in declared_parameters(contract, pointer, path):
        where, parameter = contract.resolve(place, declared)
        name = parameter["name"]
        key = place[:-1], parameter["in"], name
        if key in seen:
            yield contract.finding(place, f"The parameter {name!r} is declared twice.", "Remove one of them.")
        seen.add(key)
        if parameter["in"] == "path":
            missing.discard(name)
            if name not in in_braces:
                yield contract.finding(
                    where, f"The path {path!r} has no parameter {name!r}.", "Remove it, or correct its name."
                )
    for name in sorted(missing):
        yield contract.finding(
            pointer, f"The parameter {name!r} of the path is not declared.", "Declare it with `in: path`."
        )


def _path_values(contract: Contract, path: str, method: str) -> dict[str, Any]:
    """The converted parameters of a path."""
    return {
        parameter["name"]: (parameter.get("schema"), argument_of(parameter))
        for _, parameter in parameters(contract, path, method, "path").values()
    }


def declared_parameters(contract: Contract, pointer: Pointer, path: str) -> Iterator[tuple[Pointer, Any]]:
    """Iterate over the declared parameters of an operation and its path, with their pointers."""
    for owner in (pointer, ("paths", path)):
        for index, declared in enumerate(contract.at(owner).get("parameters", [])):
            yield (*owner, "parameters", index), declared
