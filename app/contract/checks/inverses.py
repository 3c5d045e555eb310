"""Check of `inverse_of` and `x-generated`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.contract.checks.parts import Part
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.validation.schemas import schema_properties


def check_generated(contract: Contract, parts: Sequence[Part]) -> Iterator[Finding]:
    """Check that generated properties are UUIDs, or one reference to the caller, and read-only."""
    owners: set[Pointer] = set()
    for pointer, schema, kind in parts:
        if kind != "schema" or "x-generated" not in schema:
            continue
        place = (*pointer, "x-generated")
        form = (schema.get("type"), schema.get("format"), schema.get("readOnly"))
        if schema["x-generated"] == "uuid" and form != ("string", "uuid", True):
            problem = "The server generates a UUID, which no body has."
            remedy = "Make it `type: string`, `format: uuid` and `readOnly: true`."
            yield contract.finding(place, problem, remedy)
        if schema["x-generated"] != "caller":
            continue
        if not ("x-references" in schema and schema.get("readOnly") is True):
            problem = "The server refers to the caller, which no body does."
            yield contract.finding(place, problem, "Give it `x-references`, and make it `readOnly: true`.")
        if pointer[:-1] in owners:
            yield contract.finding(place, "Another property refers to the caller already.", "Remove one of them.")
        owners.add(pointer[:-1])


def check_inverses(
    contract: Contract, parts: Sequence[Part], known: Mapping[str, Sequence[Pointer]]
) -> Iterator[Finding]:
    """Check that each `inverse_of` is a list, and names a stored list of references.

    :param known: the pointers of the schemas of objects, by model and by collection
    """
    for pointer, schema, kind in parts:
        reference = schema.get("x-references", {}) if kind == "schema" else {}
        if "inverse_of" not in reference:
            continue
        place, name = (*pointer, "x-references", "inverse_of"), reference["inverse_of"]
        if schema.get("type") != "array":
            yield contract.finding(place, "Only a list is the other side of references.", "Make it `type: array`.")
        to = reference["to"]
        targets = [target for scope in ([to] if isinstance(to, str) else to) for target in known.get(scope, ())]
        for target in targets:
            if not _is_list_of_references(
                schema_properties(contract, contract.at(target), target).get(name, ((), {}))[1]
            ):
                problem = f"The objects have no list of references {name!r}."
                yield contract.finding(place, problem, "Name a property that has `x-references` of its own.")


def _is_list_of_references(schema: Mapping[str, Any]) -> bool:
    reference = schema.get("x-references")
    return schema.get("type") == "array" and reference is not None and "inverse_of" not in reference
