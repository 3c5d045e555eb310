"""Check of filters, searches and sort keys against the store."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.contract.checks.parameters import declared_parameters
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, did_you_mean
from app.contract.validation.schemas import flattened
from app.domain import Capabilities, Filter

_NUMBERS = frozenset({"integer", "number"})


class Searched(NamedTuple):
    """The searched properties of a collection.

    :param names: the properties
    :param place: the `x-searches` that names them
    """

    names: tuple[str, ...]
    place: Pointer


def check_queries(
    contract: Contract, pointer: Pointer, path: str, can: Capabilities, searched: dict[str, Searched]
) -> Iterator[Finding]:
    """Check that the store supports the filters, searches and sort keys of an operation.

    :param searched: the searched properties of earlier operations, by collection
    """
    filters: dict[str, str] = {}
    for place, declared in declared_parameters(contract, pointer, path):
        where, parameter = contract.resolve(place, declared)
        if "x-filters" in parameter:
            name = parameter["x-filters"]
            yield from _check_filter(contract, where, parameter, can)
            if filters.setdefault(name, parameter["name"]) != parameter["name"]:
                problem = f"The parameter {filters[name]!r} filters by {name!r} already."
                yield contract.finding((*where, "x-filters"), problem, "Remove one of them.")
        for index, name in enumerate(parameter.get("x-orders-by", ())):
            if name not in can.sorts:
                yield _unsupported(contract, (*where, "x-orders-by", index), name, can, "sort by")
        names = parameter.get("x-searches", ())
        for index, name in enumerate(names):
            if name not in can.searches:
                yield _unsupported(contract, (*where, "x-searches", index), name, can, "search")
        if names:
            known = searched.setdefault(can.collection, Searched(tuple(names), (*where, "x-searches")))
            if set(known.names) != set(names):
                yield contract.finding(
                    (*where, "x-searches"),
                    f"Searches of {can.collection} must name the same properties, and {contract.locate(known.place)} names others.",
                    "Name the same properties in both places.",
                )


def _check_filter(
    contract: Contract, where: Pointer, parameter: dict[str, Any], can: Capabilities
) -> Iterator[Finding]:
    name = parameter["x-filters"]
    found = can.filters.get(name)
    if found is None:
        yield _unsupported(contract, (*where, "x-filters"), name, can, "filter by")
        return
    schema = flattened(contract, parameter["schema"])
    is_list = schema.get("type") == "array"
    if is_list and not found.lists:
        problem = f"The store compares {name!r} with one value only."
        yield contract.finding((*where, "schema"), problem, f"Make it `type: {found.type}`.")
        return
    kind = flattened(contract, schema["items"]).get("type") if is_list else schema.get("type")
    if kind != found.type and not {kind, found.type} <= _NUMBERS:
        problem = f"The store keeps {name!r} as {found.type}, and not as {kind or 'a value of any type'}."
        yield contract.finding((*where, "schema"), problem, f"Make it `type: {found.type}`.")
    yield from _check_reference(contract, where, parameter, name, found)


def _check_reference(
    contract: Contract, where: Pointer, parameter: dict[str, Any], name: str, found: Filter
) -> Iterator[Finding]:
    """Check that the `x-references` of a filter match the store."""
    declared = parameter.get("x-references")
    if found.reference is None:
        if declared is not None:
            problem = f"{name!r} is not a reference in the store."
            yield contract.finding((*where, "x-references"), problem, "Remove it.")
        return
    to, identity = names_of(found.reference.to), names_of(found.reference.identity)
    remedy = f"Write `x-references: {{to: [{', '.join(to)}], identity: [{', '.join(identity)}]}}`."
    if declared is None:
        yield contract.finding(where, f"{name!r} is a reference, and the filter has no `x-references`.", remedy)
    elif set(names_of(declared["to"])) != set(to) or set(names_of(declared.get("identity", "pk"))) != set(identity):
        yield contract.finding(
            (*where, "x-references"), f"{name!r} refers to other objects, or by other properties.", remedy
        )


def names_of(names: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def _unsupported(contract: Contract, place: Pointer, name: str, can: Capabilities, what: str) -> Finding:
    """A finding for an unsupported filter, sort key or searched property."""
    able = {"filter by": can.filters.keys(), "sort by": can.sorts, "search": can.searches}[what]
    if name in {*can.filters, *can.sorts, *can.searches, *(can.kept or ())}:
        return contract.finding(place, f"The store can't {what} {name!r}.", f"Name one of: {', '.join(sorted(able))}.")
    return unknown(contract, place, name, can, able)


def unknown(contract: Contract, place: Pointer, name: str, can: Capabilities, able: Any = ()) -> Finding:
    """A finding for a property that is not stored. :param able: the names to suggest"""
    otherwise = "Add a column and a migration in app/store/, or correct the name."
    if can.kept is None:
        otherwise = f"Name one of: {', '.join(sorted(able))}."
    remedy = did_you_mean(name, able or can.kept or (), otherwise)
    return contract.finding(place, f"The store has no property {name!r}.", remedy)
