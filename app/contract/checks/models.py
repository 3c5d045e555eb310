"""Check of `x-model`, `x-references` and `x-unique-together`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from app.contract.checks.inverses import check_generated, check_inverses
from app.contract.checks.parts import Part
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, did_you_mean
from app.contract.validation.schemas import composed, schema_properties


def check_models(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that model names are unique, and that referenced models and properties exist."""
    models: dict[str, Pointer] = {}
    # The schemas of objects by the target names of references: the model's own and its collection's.
    known: dict[str, list[Pointer]] = defaultdict(list)
    for pointer, schema in _with_extension(parts, "x-model"):
        model = schema["x-model"]
        place = (*pointer, "x-model", "name")
        if len(pointer) > len(("components", "schemas", "name")):
            yield contract.finding(
                place, "The schema of a model must be a component.", "Move it to `components/schemas`."
            )
        if model["name"] in models:
            where = contract.locate(models[model["name"]])
            yield contract.finding(
                place, f"The model {model['name']!r} is described at {where} already.", "Give it another name."
            )
        models.setdefault(model["name"], place)
        yield from _check_kind(contract, pointer, schema)
        for name in (model["name"], model["collection"]):
            known[name].append(pointer)
    for pointer, schema in _with_extension(parts, "x-references"):
        yield from _check_reference(contract, (*pointer, "x-references"), schema["x-references"], known)
    yield from check_generated(contract, parts)
    yield from check_inverses(contract, parts, known)
    for pointer, schema in _with_extension(parts, "x-unique-together"):
        properties = schema_properties(contract, schema, pointer)
        for index, rule in enumerate(schema["x-unique-together"]):
            for position, name in enumerate(rule["members"]):
                if name not in properties:
                    yield contract.finding(
                        (*pointer, "x-unique-together", index, "members", position),
                        f"{name!r} is not a property of the object.",
                        did_you_mean(name, properties, "Name one that is."),
                    )


def _check_kind(contract: Contract, pointer: Pointer, schema: dict[str, Any]) -> Iterator[Finding]:
    """Check the names and the keywords of a model's schema."""
    named_by, properties = schema["x-model"].get("named_by"), schema_properties(contract, schema)
    if named_by is not None and properties.get(named_by, ((), {}))[1].get("type") != "string":
        problem = f"The model has no property {named_by!r} with `type: string`."
        yield contract.finding(
            (*pointer, "x-model", "named_by"), problem, did_you_mean(named_by, properties, "Name one that it has.")
        )
    shown_with = schema["x-model"].get("user_settings", {}).get("only_with")
    if shown_with is not None and shown_with not in properties:
        problem = f"The model has no property {shown_with!r}."
        remedy = did_you_mean(shown_with, properties, "Name one that it has.")
        yield contract.finding((*pointer, "x-model", "user_settings", "only_with"), problem, remedy)
    for keyword in sorted({key for part in composed(contract, schema) for key in ("anyOf", "oneOf") if key in part}):
        problem = f"The schema of a model can't have `{keyword}`."
        yield contract.finding(pointer, problem, "Describe the properties with `properties` and `allOf`.")


def _with_extension(parts: Sequence[Part], extension: str) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    kinds = ("schema", "parameter")
    return ((pointer, node) for pointer, node, kind in parts if kind in kinds and extension in node)


def _check_reference(
    contract: Contract, pointer: Pointer, reference: dict[str, Any], known: dict[str, list[Pointer]]
) -> Iterator[Finding]:
    """Check that a reference names existing models or collections, and properties of their objects."""
    several = isinstance(reference["to"], list)
    targets: list[str] = reference["to"] if several else [reference["to"]]
    for index, name in enumerate(targets):
        if name not in known:
            yield contract.finding(
                (*pointer, "to", *([index] if several else [])),
                f"There is no model or collection {name!r}.",
                "Name one from an `x-model`, or none: `to: []`.",
            )
    schemas = [schema for name in targets for schema in known.get(name, ())]
    properties = {name for schema in schemas for name in schema_properties(contract, contract.at(schema), schema)}
    identity = reference.get("identity", [])
    for name in [identity] if isinstance(identity, str) else identity:
        if schemas and name not in properties:
            yield contract.finding(
                (*pointer, "identity"),
                f"{name!r} is not a property of the referenced objects.",
                "Name one that is.",
            )
