"""Check of `x-collections` against the models and paths of the contract."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.contract.document.findings import Finding, did_you_mean
from app.contract.validation.schemas import flattened, schema_properties
from app.domain import Capabilities

_NAME_IN_BRACES = re.compile(r"\{(\w+)\}")
_TITLE_TYPES = frozenset({"string", "integer"})


def check_collections(contract: Contract) -> Iterator[Finding]:
    """Check the names shared by `x-collections`, `x-model` and `x-serves`."""
    collections: Mapping[str, Any] = contract.document.get("x-collections", {})
    models = _models(contract)
    of_collection: dict[str, list[Pointer]] = defaultdict(list)
    for pointer, model in models.items():
        of_collection[model["collection"]].append(pointer)
        if model["collection"] not in collections:
            place = (*pointer, "x-model", "collection")
            yield _unknown(contract, place, "collection", model["collection"], collections)
    scopes = {model["name"] for model in models.values()} | collections.keys()
    served = {path: item["x-serves"] for path, item in contract.document["paths"].items() if "x-serves" in item}
    for path, scope in served.items():
        if scope not in scopes:
            yield _unknown(contract, ("paths", path, "x-serves"), "model or collection", scope, scopes)
    for name, declared in collections.items():
        place = ("x-collections", name)
        if name not in of_collection and name not in served.values():
            problem = f"No model is of the collection {name!r}, and no path serves it."
            yield contract.finding(place, problem, "Remove it.")
        yield from _check_model(contract, place, declared["model"], models, collections)
        yield from _check_properties(contract, place, declared, of_collection[name])
    yield from _check_order(contract, collections, of_collection, models)
    for pointer, _, _, operation in contract.operations():
        if "x-sets" in operation:
            yield from _check_set_property(contract, pointer, operation, of_collection)


def _check_set_property(
    contract: Contract, pointer: Pointer, operation: Mapping[str, Any], of_collection: Mapping[str, Iterable[Pointer]]
) -> Iterator[Finding]:
    """Check that an operation with `x-sets` sets one property that all models of the collection have, or a secret."""
    place: Pointer = (*pointer, "x-sets")
    collection, name = operation["x-sets"]["collection"], operation["x-sets"]["property"]
    if collection not in of_collection:
        yield _unknown(contract, (*place, "collection"), "collection", collection, of_collection)
    elif not _is_secret(contract, pointer, operation) and any(
        name not in schema_properties(contract, contract.at(schema), schema) for schema in of_collection[collection]
    ):
        yield _no_property(contract, (*place, "property"), name)
    if len(_sent(contract, pointer, operation)) != 1:
        problem = "The operation sets a property, but its body is not one object with one property."
        yield contract.finding(place, problem, "Describe such a body, or remove `x-sets`.")


def _sent(contract: Contract, pointer: Pointer, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The schemas of the properties of an operation's body."""
    _, body = contract.resolve(pointer, operation.get("requestBody", {}))
    schemas = (media.get("schema", {}) for media in body.get("content", {}).values())
    return [one for schema in schemas for _, one in schema_properties(contract, schema).values()]


def _is_secret(contract: Contract, pointer: Pointer, operation: Mapping[str, Any]) -> bool:
    """Whether an operation with `x-sets` sets a secret, which no response has."""
    return [one.get("format") for one in _sent(contract, pointer, operation)] == ["password"]


def _check_secrets(contract: Contract, capabilities: Callable[[str], Capabilities]) -> Iterator[Finding]:
    """Check that the store keeps the secrets that operations set."""
    for pointer, _, _, operation in contract.operations():
        if "x-sets" in operation and _is_secret(contract, pointer, operation):
            collection, name = operation["x-sets"]["collection"], operation["x-sets"]["property"]
            known = capabilities(collection).secrets
            if name not in known:
                names = ", ".join(sorted(known))
                problem = f"The store keeps no secret {name!r} of {collection}."
                remedy = f"Name one of: {names}." if names else "Remove `x-sets`."
                yield contract.finding((*pointer, "x-sets", "property"), problem, remedy)


def check_relations(contract: Contract, capabilities: Callable[[str], Capabilities]) -> Iterator[Finding]:
    """Check that the store has the relations, owners and targets that `x-collections` names, and the secrets of `x-sets`.

    :param capabilities: the store's capabilities for a model or collection
    """
    yield from _check_secrets(contract, capabilities)
    collection_of = {model["name"]: model["collection"] for model in _models(contract).values()}
    scopes = {item.get("x-serves") for item in contract.document["paths"].values()}
    served = {collection_of.get(scope, scope) for scope in scopes}
    for name, declared in contract.document.get("x-collections", {}).items():
        if name not in served and not {"related", "owner", "targets"} & declared.keys():
            continue
        place, can = ("x-collections", name), capabilities(name)
        if (related := declared.get("related", "")) not in {"", *can.relations}:
            names = ", ".join(sorted(can.relations))
            remedy = did_you_mean(related, can.relations, f"Name one of: {names}." if names else "Remove it.")
            yield contract.finding((*place, "related"), f"The store can't show {related!r} of {name}.", remedy)
        owner = declared.get("owner", "")
        if can.owners and owner not in can.owners:
            problem = f"The objects of {name} belong to users, and everybody would see them."
            at = (*place, "owner") if owner else place
            yield contract.finding(at, problem, f"Give it `owner: {min(can.owners)}`.")
        elif owner and not can.owners:
            yield contract.finding((*place, "owner"), f"The objects of {name} belong to nobody.", "Remove `owner`.")
        if "targets" in declared and not can.targets:
            yield contract.finding((*place, "targets"), f"The objects of {name} bind no policy.", "Remove `targets`.")


def _models(contract: Contract) -> dict[Pointer, dict[str, Any]]:
    """The models, by the pointer of their schema."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    return {
        ("components", "schemas", name): schema["x-model"] for name, schema in schemas.items() if "x-model" in schema
    }


def _unknown(contract: Contract, place: Pointer, kind: str, name: str, known: Iterable[str]) -> Finding:
    remedy = did_you_mean(name, known, "Correct the name, or add it to `x-collections`.")
    return contract.finding(place, f"There is no {kind} {name!r}.", remedy)


def _check_model(
    contract: Contract,
    place: Pointer,
    model: str,
    models: Mapping[Pointer, Mapping[str, Any]],
    collections: Mapping[str, Mapping[str, Any]],
) -> Iterator[Finding]:
    """Check that a collection's model belongs to no other collection."""
    name = place[-1]
    other = next((other for other, declared in collections.items() if declared["model"] == model), name)
    other = next((known["collection"] for known in models.values() if known["name"] == model), other)
    if other != name and other in collections:
        problem = f"The model {model!r} is that of the collection {other!r}."
        yield contract.finding((*place, "model"), problem, "Name another model.")


def _is_shown(schema: Mapping[str, Any]) -> bool:
    """Whether a title shows the values of a property: texts, integers and identifiers."""
    return schema.get("type") in _TITLE_TYPES or schema.get("x-generated") == "caller"


def _check_properties(
    contract: Contract, place: Pointer, declared: Mapping[str, Any], schemas: Iterable[Pointer]
) -> Iterator[Finding]:
    """Check that title and identifiers name properties that all models of a collection have.

    :param schemas: the pointers of the models' schemas
    """
    known = [schema_properties(contract, contract.at(schema), schema) for schema in schemas]
    title = declared.get("title", "")
    if re.search(r"[{}]", _NAME_IN_BRACES.sub("", title)):
        problem = "The braces of the title hold no name."
        yield contract.finding((*place, "title"), problem, "Write names of properties only: `Stage {name}`.")
        return
    for name in dict.fromkeys(_NAME_IN_BRACES.findall(title)):
        for properties in known:
            if name not in properties:
                yield _no_property(contract, (*place, "title"), name)
            elif not _is_shown(flattened(contract, contract.at(properties[name][0]))):
                problem = f"The title names {name!r}, which is neither a string nor an integer."
                yield contract.finding((*place, "title"), problem, "Name one that is.")
    if "related" in declared and any(declared["related"] not in properties for properties in known):
        yield _no_property(contract, (*place, "related"), declared["related"])
    targets = declared.get("targets", {})
    if re.search(r"[{}]", targets.get("title", "").replace("{pk}", "")):
        problem = "The title of targets can only name `pk`."
        yield contract.finding((*place, "targets", "title"), problem, "Write `{pk}`.")
    for index, permission in enumerate(targets.get("permissions", ())):
        if permission not in contract.document.get("x-permissions", {}):
            problem = f"The permission {permission!r} is not declared."
            remedy = "Add it to x-permissions, or name one that is there."
            yield contract.finding((*place, "targets", "permissions", index), problem, remedy)
    for index, name in enumerate(declared.get("identifiers", ())):
        if any(name not in properties for properties in known):
            yield _no_property(contract, (*place, "identifiers", index), name)


def _no_property(contract: Contract, place: Pointer, name: str) -> Finding:
    return contract.finding(place, f"{name!r} is not a property of the objects.", "Name one that is.")


def _check_order(
    contract: Contract,
    collections: Iterable[str],
    of_collection: Mapping[str, Iterable[Pointer]],
    models: Mapping[Pointer, Mapping[str, Any]],
) -> Iterator[Finding]:
    """Check that no collection refers to a later one: a blueprint could not be applied in this order."""
    collection_of = {model["name"]: model["collection"] for model in models.values()}
    later = list(collections)
    for name in collections:
        later.remove(name)
        for pointer in of_collection.get(name, ()):
            for place, property_schema in schema_properties(contract, contract.at(pointer), pointer).values():
                reference = property_schema.get("x-references", {})
                # Inverse references are stored with the later objects.
                targets = () if "inverse_of" in reference else reference.get("to", ())
                for target in [targets] if isinstance(targets, str) else targets:
                    if (other := collection_of.get(target, target)) in later:
                        problem = f"The collection {name!r} refers to {other!r} at {contract.locate(place)}."
                        yield contract.finding(("x-collections", name), problem, f"Put {other!r} before it.")
