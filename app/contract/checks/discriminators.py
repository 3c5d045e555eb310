"""Check of discriminators: each value selects one alternative."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.contract.checks.grammar import object_at
from app.contract.checks.parts import Part
from app.contract.document.contract import Contract, Pointer, names_schema, parse_reference
from app.contract.document.findings import Finding, did_you_mean
from app.contract.validation.schemas import flattened, schema_properties


def check_discriminators(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that each alternative has the property, and that each mapped value of it selects one (OpenAPI 3.0.3, "Discriminator
    Object").
    """
    for pointer, node, kind in parts:
        if kind == "schema" and isinstance(node.get("discriminator"), dict):
            yield from _check(contract, pointer, node)


def _check(contract: Contract, pointer: Pointer, node: dict[str, Any]) -> Iterator[Finding]:
    place: Pointer = (*pointer, "discriminator")
    name: str = node["discriminator"]["propertyName"]
    alternatives: dict[Pointer, Pointer] = {}
    for keyword in ("oneOf", "anyOf"):
        for index, part in enumerate(node.get(keyword, ())):
            if "$ref" in part:
                alternatives[parse_reference(part["$ref"])] = (*pointer, keyword, index)
            else:
                problem = "Each alternative of a discriminator must be a component."
                yield contract.finding((*pointer, keyword, index), problem, "Move this one to the components.")
    for target in alternatives or {pointer: pointer}:
        yield from _check_property(contract, (*place, "propertyName"), name, target)
    mapping = node["discriminator"].get("mapping", {})
    for value, text in mapping.items():
        yield from _check_entry(contract, (*place, "mapping", value), name, value, text, alternatives)
    mapped = {_target(text) for text in mapping.values()}
    for target, at in alternatives.items():
        if target not in mapped and not _admits(contract, target, name, str(target[-1])):
            yield contract.finding(
                at, f"No value of {name!r} leads to {target[-1]!r}.", "Add one to the `mapping` of the discriminator."
            )


def _check_property(contract: Contract, place: Pointer, name: str, target: Pointer) -> Iterator[Finding]:
    """Check that an alternative has the discriminator property, and requires it or has a default for it."""
    schema = contract.at(target)
    properties = schema_properties(contract, schema, target)
    if name not in properties:
        if {"oneOf", "anyOf"}.isdisjoint(flattened(contract, schema)) or properties:
            remedy = did_you_mean(name, properties, "Name one that all alternatives have.")
            yield contract.finding(place, f"The schema {target[-1]!r} has no property {name!r}.", remedy)
        return
    required = flattened(contract, schema).get("required", ())
    if name not in required and "default" not in properties[name][1]:
        problem = f"The schema {target[-1]!r} does not require {name!r}, which the discriminator needs."
        yield contract.finding(place, problem, "Add it to `required` there, or give it a default.")


def _check_entry(
    contract: Contract, place: Pointer, name: str, value: str, text: str, alternatives: dict[Pointer, Pointer]
) -> Iterator[Finding]:
    target = _target(text)
    schemas = contract.document.get("components", {}).get("schemas", {})
    try:
        if target is None or object_at(target) != "Schema":
            raise KeyError(text)
        contract.at(target)
    except KeyError:
        remedy = did_you_mean(text, schemas, "Name a schema, as in '#/components/schemas/Flow'.")
        yield contract.finding(place, f"The mapping of {value!r} to {text!r} has no target.", remedy)
        return
    if alternatives and target not in alternatives:
        problem = f"{text!r} is not one of the alternatives."
        yield contract.finding(place, problem, "Add it to them, or map the value to one of them.")
    elif not _admits(contract, target, name, value):
        problem = f"{value!r} leads to {target[-1]!r}, whose {name!r} never has this value."
        yield contract.finding(place, problem, "Correct the value, or the enum there.")


def _target(text: str) -> Pointer | None:
    if names_schema(text):
        return ("components", "schemas", text)
    try:
        return parse_reference(text)
    except KeyError:
        return None


def _admits(contract: Contract, target: Pointer, name: str, value: str) -> bool:
    """Whether a schema admits a value of the property, judged by enums."""
    properties = schema_properties(contract, contract.at(target), target)
    return name not in properties or value in properties[name][1].get("enum", (value,))
