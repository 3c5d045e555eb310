"""`/contract/schemas/<Name>/`: one schema, and its uses."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from flask import abort, render_template

from app.contract.document.contract import Contract, parse_reference, references
from app.pages.contract.described import describe
from app.pages.contract.places import place_of

Users = tuple[list[str], list[str]]
"""Names of operations and of schemas."""


def schema(contract: Contract, name: str) -> str:
    """The page of a schema."""
    schemas = contract.document.get("components", {}).get("schemas", {})
    if name not in schemas:
        abort(404)
    pointer = ("components", "schemas", name)
    operations, users = _users(contract).get(name, ([], []))
    return render_template(
        "contract/schema.html",
        name=name,
        schema=describe(contract, pointer, schemas[name]),
        place=place_of(contract, pointer),
        model=schemas[name].get("x-model"),
        operations=operations,
        users=users,
    )


@lru_cache(maxsize=1)
def _users(contract: Contract) -> Mapping[str, Users]:
    """The operations and schemas that refer to each schema."""
    users: dict[str, Users] = defaultdict(lambda: ([], []))
    for (_, path, _), _, _, operation in contract.operations():
        shared = contract.document["paths"][path].get("parameters", [])
        for used in dict.fromkeys(_used(contract, [operation, shared])):
            users[used][0].append(operation["operationId"])
    for name, schema in contract.document.get("components", {}).get("schemas", {}).items():
        for used in dict.fromkeys(_used(contract, schema)):
            users[used][1].append(name)
    return users


def _used(contract: Contract, node: Any) -> Iterator[str]:
    """The schemas that a part refers to, directly or by its parameters and responses."""
    for _, reference in references(node):
        section, name = parse_reference(reference["$ref"])[1:3]
        if section == "schemas":
            yield str(name)
        else:
            yield from _used(contract, contract.resolve((), reference)[1])
