"""Models and collections of a contract, by name."""

from collections.abc import Mapping
from typing import Any

from app.contract.compile.model import model_of
from app.contract.compile.scopes import permissions_to_retrieve
from app.contract.document.contract import Contract, cached
from app.contract.validation.schemas import schema_properties
from app.domain import Collection, Model


@cached
def models(contract: Contract) -> Mapping[str, Model]:
    """The models of a contract that has passed the checks of its extensions, by name. Never to be changed."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    return {
        schema["x-model"]["name"]: model_of(contract, name, schema)
        for name, schema in schemas.items()
        if isinstance(schema, dict) and "x-model" in schema
    }


@cached
def collections(contract: Contract) -> Mapping[str, Collection]:
    """The collections of a contract that has passed the checks of its extensions, by name. Never to be changed."""
    seen_with = permissions_to_retrieve(contract)
    return {
        name: Collection(
            model=declared["model"],
            title=declared.get("title", "{pk}"),
            identifiers=tuple(declared.get("identifiers", ())),
            seen_with=seen_with.get(name, seen_with.get(declared["model"])),
            related=declared.get("related", ""),
            owner=declared.get("owner", ""),
            targets=_targets(declared["targets"]) if "targets" in declared else None,
            nested=_nested(contract, name),
        )
        for name, declared in contract.document.get("x-collections", {}).items()
    }


def _nested(contract: Contract, collection: str) -> dict[str, frozenset[str]]:
    """The properties of objects within the objects of a collection, by the property with them."""
    schemas = contract.document.get("components", {}).get("schemas", {}).values()
    schema: dict[str, Any] = next(
        (one for one in schemas if one.get("x-model", {}).get("collection") == collection), {}
    )
    found = {}
    for name, (_, property_schema) in schema_properties(contract, schema).items():
        within = schema_properties(contract, property_schema.get("items", property_schema))
        if within:
            found[name] = frozenset(within)
    return found


def _targets(declared: Mapping[str, Any]) -> Collection:
    return Collection(declared["model"], declared["title"], seen_with=frozenset(declared["permissions"]))
