"""Check of `x-details`."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.contract.checks.parts import Part
from app.contract.compile.constants import constants
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, shown
from app.contract.validation.schemas import schema_properties


def check_details(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that details are a read-only list, made from another list and the objects of a constant response."""
    properties = {
        place: properties
        for name, schema in contract.document.get("components", {}).get("schemas", {}).items()
        if "x-model" in schema
        for properties in [schema_properties(contract, schema, ("components", "schemas", name))]
        for place, _ in properties.values()
    }
    constant = constants(contract)
    for pointer, schema, kind in parts:
        if kind != "schema" or "x-details" not in schema:
            continue
        place, declared = (*pointer, "x-details"), schema["x-details"]
        if schema.get("type") != "array" or schema.get("readOnly") is not True:
            problem = "The server returns a list, which no body has."
            yield contract.finding(place, problem, "Make it `type: array` and `readOnly: true`.")
        others = properties.get(pointer, {})
        if others.get(declared["of"], ((), {}))[1].get("type") != "array":
            problem = f"The object of a model has no list {declared['of']!r}."
            yield contract.finding((*place, "of"), problem, "Name one that it has.")
        known = constant.get(declared["from"])
        if known is None:
            problem = f"There is no operation {declared['from']!r} with `x-constant`."
            yield contract.finding((*place, "from"), problem, "Name one that has it.")
        elif not _all_have(known.response, declared["by"]):
            problem = f"The response of {declared['from']!r} is not a list of objects with the text {declared['by']!r}."
            yield contract.finding((*place, "by"), problem, "Name a property that all of them have.")
        elif declared["of"] in others:
            where, listed = others[declared["of"]]
            yield from _check_values(contract, (*where, "items"), listed.get("items", {}), known.response, declared)


def _check_values(
    contract: Contract, place: Pointer, items: dict[str, Any], response: Any, declared: dict[str, str]
) -> Iterator[Finding]:
    """Check that there is an object for each value of an enum."""
    place, items = contract.resolve(place, items)
    there = [one[declared["by"]] for one in response]
    for index, value in enumerate(items.get("enum", ())):
        if value not in there:
            problem = f"The response of {declared['from']!r} has no object whose {declared['by']!r} is {shown(value)}."
            yield contract.finding((*place, "enum", index), problem, "Remove the value, or add an object.")


def _all_have(response: Any, name: str) -> bool:
    return isinstance(response, list) and all(
        isinstance(one, dict) and isinstance(one.get(name), str) for one in response
    )
