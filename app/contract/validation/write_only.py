"""`writeOnly` properties at any depth of a value, which responses must not have (OpenAPI 3.0.3, "Schema Object")."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.contract.document.contract import Contract, Pointer
from app.contract.validation.schemas import composed, flattened


class WriteOnly(NamedTuple):
    """A `writeOnly` property.

    :param pointer: its pointer
    :param certain: whether it is `writeOnly` in every value; false within `oneOf` and `anyOf`, where it depends on the value
    """

    pointer: Pointer
    certain: bool


def write_only(contract: Contract, schema: Any, pointer: Pointer = ()) -> Iterator[WriteOnly]:
    """Find the `writeOnly` properties within the values of a schema.

    :param pointer: the pointer of the schema
    """
    seen: set[tuple[int, bool]] = set()
    waiting = [(pointer, schema, True)]
    while waiting:
        pointer, schema, certain = waiting.pop()
        pointer, schema = contract.resolve(pointer, schema)
        if (id(schema), certain) in seen:
            continue
        seen.add((id(schema), certain))
        for name, property_schema in schema.get("properties", {}).items():
            place = (*pointer, "properties", name)
            if is_write_only(contract, property_schema):
                yield WriteOnly(place, certain)
            else:
                waiting.append((place, property_schema, certain))
        waiting += [
            ((*pointer, keyword), held, certain)
            for keyword in ("items", "additionalProperties")
            if isinstance(held := schema.get(keyword), dict)
        ]
        for keyword in ("allOf", "anyOf", "oneOf"):
            waiting += [
                ((*pointer, keyword, index), part, certain and keyword == "allOf")
                for index, part in enumerate(schema.get(keyword, ()))
            ]


def is_write_only(contract: Contract, property_name: Any) -> bool:
    """Whether a property is `writeOnly`. :param property_name: its schema"""
    return flattened(contract, property_name).get("writeOnly") is True


def without_write_only(contract: Contract, schema: Any, value: Any) -> Any:
    """Remove the properties that are certainly `writeOnly` from a copy of a value."""
    for part in composed(contract, schema):
        if isinstance(value, dict):
            properties, others = part.get("properties", {}), part.get("additionalProperties")
            others = others if isinstance(others, dict) else {}
            value = {
                name: without_write_only(contract, properties.get(name, others), inner)
                for name, inner in value.items()
                if name not in properties or not is_write_only(contract, properties[name])
            }
        elif isinstance(value, list) and "items" in part:
            value = [without_write_only(contract, part["items"], item) for item in value]
    return value
