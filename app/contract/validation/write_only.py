"""Properties that are `writeOnly`, wherever they stand in a value: a response has none of them (OpenAPI 3.0.3, "Schema Object")."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.contract.document.source import Pointer, Source
from app.contract.validation.schemas import composed, flattened


class WriteOnly(NamedTuple):
    """A property that is `writeOnly`.

    :param pointer: where it stands
    :param certain: whether it is so in each value; false within `oneOf` and `anyOf`, where it depends on the value
    """

    pointer: Pointer
    certain: bool


def write_only(source: Source, schema: Any, pointer: Pointer = ()) -> Iterator[WriteOnly]:
    """The properties within the values of a schema that are `writeOnly`.

    :param pointer: where the schema stands
    """
    seen: set[tuple[int, bool]] = set()
    waiting = [(pointer, schema, True)]
    while waiting:
        pointer, schema, certain = waiting.pop()
        pointer, schema = source.resolve(pointer, schema)
        if (id(schema), certain) in seen:
            continue
        seen.add((id(schema), certain))
        for name, member in schema.get("properties", {}).items():
            place = (*pointer, "properties", name)
            if is_write_only(source, member):
                yield WriteOnly(place, certain)
            else:
                waiting.append((place, member, certain))
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


def is_write_only(source: Source, member: Any) -> bool:
    """Whether a property is `writeOnly`. :param member: its schema"""
    return flattened(source, member).get("writeOnly") is True


def without_write_only(source: Source, schema: Any, value: Any) -> Any:
    """A value of a schema without its properties that certainly are `writeOnly`. The value itself stays as it is."""
    for part in composed(source, schema):
        if isinstance(value, dict):
            members, others = part.get("properties", {}), part.get("additionalProperties")
            others = others if isinstance(others, dict) else {}
            value = {
                name: without_write_only(source, members.get(name, others), inner)
                for name, inner in value.items()
                if name not in members or not is_write_only(source, members[name])
            }
        elif isinstance(value, list) and "items" in part:
            value = [without_write_only(source, part["items"], item) for item in value]
    return value
