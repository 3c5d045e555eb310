"""Check of written properties against the store."""

import math
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from app.contract.checks.queries import names_of, unknown
from app.contract.checks.responses import given_to_new
from app.contract.checks.texts import takes_nul
from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding
from app.contract.validation.schemas import admits_null, composed, flattened, schema_properties
from app.domain import CASCADE, SET_DEFAULT, SET_NULL, Capabilities


def check_stored(
    contract: Contract,
    pointer: Pointer,
    operation: dict[str, Any],
    scope: str,
    capabilities: Callable[[str], Capabilities],
) -> Iterator[Finding]:
    """Check that written properties are stored, and that their references and unique constraints match the store.

    :param scope: the model or collection of the operation
    :param capabilities: the store's capabilities for a model or collection
    """
    can = capabilities(scope)
    yield from _check_model(contract, pointer, operation, scope)
    where, body = contract.resolve((*pointer, "requestBody"), operation["requestBody"])
    for media_type, media in body["content"].items():
        at = (*where, "content", media_type, "schema")
        properties = schema_properties(contract, media["schema"], at)
        if properties.keys().isdisjoint(_response_properties(contract, operation)):
            # No property in common with the response: the body is not stored.
            yield from _check_unstored(contract, properties)
            continue
        written = {
            name: property_schema
            for name, property_schema in properties.items()
            if not property_schema[1].get("readOnly") and not property_schema[1].get("x-ignored")
        }
        for name, (place, schema) in written.items():
            reference = schema.get("x-references")
            if can.kept is not None and name not in can.kept and (reference is None or reference["to"] != []):
                yield unknown(contract, place, name, can)
            yield from _check_reference(contract, place, name, schema, can, capabilities)
            yield from _check_unique(contract, place, name, schema, can)
        yield from _check_unique_sets(contract, at, media["schema"], written.keys(), can)


def _check_unstored(contract: Contract, properties: Mapping[str, tuple[Pointer, dict[str, Any]]]) -> Iterator[Finding]:
    """Check that a body that is not stored has neither references nor unique properties.

    :param properties: its properties, with their pointers
    """
    for place, schema in properties.values():
        for extension in sorted({"x-unique", "x-references"} & schema.keys()):
            problem = f"`{extension}` has no effect: the body is not stored."
            yield contract.finding((*place, extension), problem, "Remove it.")


def _check_model(contract: Contract, pointer: Pointer, operation: dict[str, Any], scope: str) -> Iterator[Finding]:
    """Check that the response to a POST or PATCH has the schema of the model."""
    code = "200" if pointer[-1] == "patch" else "201"
    if code not in operation["responses"]:
        return
    place, response = contract.resolve((*pointer, "responses", code), operation["responses"][code])
    for media_type, media in response.get("content", {}).items():
        schema = media["schema"]
        model = contract.resolve((), schema)[1].get("x-model", {}) if schema.keys() == {"$ref"} else {}
        if scope not in (model.get("name"), model.get("collection")):
            problem = f"The response schema has no `x-model` of {scope}."
            at = (*place, "content", media_type, "schema")
            yield contract.finding(at, problem, "Refer to the schema with that `x-model`.")


def _check_reference(
    contract: Contract,
    place: Pointer,
    name: str,
    schema: dict[str, Any],
    can: Capabilities,
    capabilities: Callable[[str], Capabilities],
) -> Iterator[Finding]:
    """Check that the reference of a property matches the store."""
    reference: dict[str, Any] | None = schema.get("x-references")
    place = (*place, "x-references") if reference is not None else place
    wanted = can.references.get(name)
    targets = names_of(reference["to"]) if reference is not None else ()
    if wanted is not None and set(targets) != set(wanted.to):
        to = ", ".join(wanted.to)
        problem = f"{name!r} refers to {to} in the store."
        yield contract.finding(place, problem, f"Give it `x-references` with `to: [{to}]`.")
    elif wanted is None and targets:
        yield contract.finding(place, f"{name!r} is not a reference in the store.", "Remove `x-references`.")
    elif reference is not None:
        actions = can.on_delete.get(schema.get("type") == "array", ())
        if wanted is not None and can.kept is not None:
            actions = (wanted.on_delete,)
        elif schema.get("x-create-default") is not None:
            actions = tuple(action for action in actions if action != SET_DEFAULT)
        if targets and actions and reference.get("on_delete", actions[0]) not in actions:
            problem = f"The store has another `on_delete` for {name!r}."
            yield contract.finding((*place, "on_delete"), problem, f"Write `{actions[0]}`.")
        if can.kept is None:
            yield from _check_targets(contract, place, reference, can, capabilities)
        for identity in names_of(reference.get("identity", "pk")):
            for target in targets:
                if frozenset({identity}) not in capabilities(target).unique | {frozenset({"pk"})}:
                    problem = f"The store can't find {target} by {identity!r}."
                    yield contract.finding(place, problem, "Name a property that is unique, or remove `identity`.")


def _check_targets(
    contract: Contract,
    place: Pointer,
    reference: dict[str, Any],
    can: Capabilities,
    capabilities: Callable[[str], Capabilities],
) -> Iterator[Finding]:
    """Check that the store keeps references to these objects, and supports their `on_delete`."""
    for target in names_of(reference["to"]):
        if reference.get("on_delete") == CASCADE and capabilities(target).kept is not None:
            problem = f"The store can't delete {can.collection} with {target}."
            yield contract.finding((*place, "on_delete"), problem, f"Write `{SET_NULL}`.")
        if not capabilities(target).referable:
            problem = f"The store can't keep references from {can.collection} to {target}."
            yield contract.finding(place, problem, "Refer to other objects, or to none: `to: []`.")


def _check_unique(
    contract: Contract, place: Pointer, name: str, schema: dict[str, Any], can: Capabilities
) -> Iterator[Finding]:
    """Check that `x-unique` and the unique constraints of the store match."""
    held = frozenset({name}) in can.unique
    if "x-unique" in schema and not held:
        unique = ", ".join(sorted(name for names in can.unique if len(names) == 1 for name in names))
        problem = f"The store has no unique constraint on {name!r}."
        yield contract.finding((*place, "x-unique"), problem, f"Remove it: only {unique} can be unique here.")
    elif held and "x-unique" not in schema:
        problem = f"The store has a unique constraint on {name!r}, and the contract has no message for it."
        yield contract.finding(place, problem, "Give it an `x-unique`.")


def _check_unique_sets(
    contract: Contract, at: Pointer, schema: Any, written: Set[str], can: Capabilities
) -> Iterator[Finding]:
    """Check that `x-unique-together` and the unique constraints of the store match."""
    place, _ = contract.resolve(at, schema)
    rules = [frozenset(rule["members"]) for rule in flattened(contract, schema).get("x-unique-together", ())]
    for index, names in enumerate(rules):
        if names not in can.unique:
            problem = f"The store has no unique constraint on {', '.join(sorted(names))}."
            yield contract.finding((*place, "x-unique-together", index), problem, "Remove it.")
    for names in can.unique - set(rules):
        if len(names) > 1 and names <= written:
            problem = f"The store has a unique constraint on {', '.join(sorted(names))}, and the contract has no message for it."
            yield contract.finding(place, problem, "Give it an `x-unique-together`.")


def check_columns(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """Check that written values fit their columns, and that a new object has a value for each required column.

    :param types: the types of the columns, by the names of their properties
    """
    yield from _check_new(contract, pointer, operation, types)
    where, body = contract.resolve((*pointer, "requestBody"), operation["requestBody"])
    for media_type, media in body["content"].items():
        properties = schema_properties(contract, media["schema"], (*where, "content", media_type, "schema"))
        if properties.keys().isdisjoint(_response_properties(contract, operation)):
            continue
        for name, (place, schema) in properties.items():
            wanted = types.get(name)
            if wanted is None or any(schema.get(key) for key in ("readOnly", "x-ignored", "x-references")):
                continue
            if (kind := schema.get("type")) != wanted:
                problem = f"The store keeps {name!r} as {wanted}, and not as {kind or 'a value of any type'}."
                yield contract.finding(place, problem, f"Make it `type: {wanted}`.")
            elif admits_null(contract, contract.at(place)):
                yield contract.finding(place, f"{name!r} can't be null in the store.", "Remove `nullable`.")
            elif wanted == "string" and takes_nul(contract, contract.at(place)):
                problem = f"The store can't keep NUL characters in {name!r}."
                yield contract.finding(place, problem, "Add `pattern: '^[^\\x00]*$'`.")
            elif wanted == "integer" and not _fits_int32(contract, contract.at(place)):
                problem = f"The store keeps {name!r} as a 32-bit integer."
                yield contract.finding(
                    place, problem, "Add `format: int32`, or a `minimum` and a `maximum` within its range."
                )


def _check_new(
    contract: Contract, pointer: Pointer, operation: dict[str, Any], types: Mapping[str, str]
) -> Iterator[Finding]:
    """Check that a new object has a value for each required column."""
    if "201" not in operation["responses"]:
        return
    where, body = contract.resolve((*pointer, "requestBody"), operation["requestBody"])
    (sent,) = (media["schema"] for media in body["content"].values())
    response = contract.resolve((), operation["responses"]["201"])[1]
    created = [media["schema"] for media in response.get("content", {}).values()]
    given = given_to_new(contract, sent, created)
    for name in sorted(types.keys() - given):
        problem = f"A new object may lack {name!r}, which the store requires."
        place = schema_properties(contract, sent, (*where, "content", next(iter(body["content"])), "schema")).get(
            name, (where, {})
        )[0]
        yield contract.finding(place, problem, "Make it `required`, or give it an `x-create-default`.")


def _fits_int32(contract: Contract, schema: dict[str, Any]) -> bool:
    """Whether all integers of a schema fit into 32 bits."""
    parts = list(composed(contract, schema))
    least = max((part["minimum"] for part in parts if "minimum" in part), default=-math.inf)
    most = min((part["maximum"] for part in parts if "maximum" in part), default=math.inf)
    return any(part.get("format") == "int32" for part in parts) or (least >= -(2**31) and most < 2**31)


def _response_properties(contract: Contract, operation: dict[str, Any]) -> Iterator[str]:
    """The properties of the successful responses of an operation."""
    for code, response in operation["responses"].items():
        if code < "300":
            for media in contract.resolve((), response)[1].get("content", {}).values():
                yield from schema_properties(contract, media["schema"])
