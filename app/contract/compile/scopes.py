"""Models and collections that the paths of a contract serve."""

from collections.abc import Mapping
from typing import Any

from app.contract.document.contract import Contract, cached

VERBS: Mapping[str, str] = {
    "used_by_list": "get",
    "types_list": "get",
    "partial_update": "patch",
    "list": "get",
    "create": "post",
    "retrieve": "get",
    "update": "put",
    "destroy": "delete",
}
"""The verbs at the end of an operationId below an `x-serves`, longer ones first, with their methods."""


def scope_of(contract: Contract, path: str) -> str | None:
    """The model or collection of a path's operations; None if the path has no `x-serves`."""
    scope: str | None = contract.document["paths"][path].get("x-serves")
    return scope


@cached
def served(contract: Contract) -> dict[str, tuple[str, str]]:
    """The model or collection, and the verb, of each operation below an `x-serves`, by operationId.

    `create` belongs to a model, and `types_list` to a collection. Never to be changed.
    """
    declared = declared_models(contract)
    found = {}
    for _, path, method, operation in contract.operations():
        scope = scope_of(contract, path)
        verb = next((verb for verb in VERBS if operation["operationId"].endswith(f"_{verb}")), None)
        if scope is None or verb is None or VERBS[verb] != method:
            continue
        if verb == "create" and scope not in declared:
            alike = [name for name, model in declared.items() if model["collection"] == scope]
            scope = alike[0] if len(alike) == 1 else None
        elif verb == "types_list" and scope in declared:
            # The list of a model called a type.
            verb = "list"
        if scope is not None:
            found[operation["operationId"]] = (scope, verb)
    return found


def searched(contract: Contract) -> dict[str, tuple[str, ...]]:
    """The searched properties, by collection."""
    collection_of = {name: model["collection"] for name, model in declared_models(contract).items()}
    found: dict[str, dict[str, None]] = {}
    for pointer, path, _, _ in contract.operations():
        scope = scope_of(contract, path)
        if scope is None:
            continue
        collection = collection_of.get(scope, scope)
        for declared in (
            *contract.at(pointer).get("parameters", ()),
            *contract.document["paths"][path].get("parameters", ()),
        ):
            names = contract.resolve((), declared)[1].get("x-searches", ())
            found.setdefault(collection, {}).update(dict.fromkeys(names))
    return {collection: tuple(names) for collection, names in found.items()}


def schemas_of_models(contract: Contract) -> dict[str, str]:
    """The names of the schemas with `x-model`, by the model's name."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    return {schema["x-model"]["name"]: name for name, schema in schemas.items() if "x-model" in schema}


def declared_models(contract: Contract) -> dict[str, dict[str, Any]]:
    """The values of `x-model`, by the model's name."""
    schemas = contract.document.get("components", {}).get("schemas", {}).values()
    return {schema["x-model"]["name"]: schema["x-model"] for schema in schemas if "x-model" in schema}


@cached
def permissions_to_retrieve(contract: Contract) -> Mapping[str, frozenset[str]]:
    """The permissions to retrieve an object, by model or collection."""
    of_operation = {
        operation["operationId"]: required_permissions(operation) for _, _, _, operation in contract.operations()
    }
    return {scope: of_operation[name] for name, (scope, verb) in served(contract).items() if verb == "retrieve"}


def required_permissions(operation: dict[str, Any]) -> frozenset[str]:
    """The permissions that an operation requires."""
    return frozenset(operation.get("x-required-permissions", ()))
