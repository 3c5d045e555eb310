"""Plain data from blueprints: its weight, and JSON as data."""

import re
from collections.abc import Iterable
from typing import Any

import orjson

from app.blueprints.document import MAX_DEPTH
from app.blueprints.findings import BlueprintError, Place, finding

CHARACTERS = 64
"""The number of characters of a text that count as one value."""


def weight(data: Any) -> int:
    """The number of values that plain data counts as."""
    if isinstance(data, dict):
        return 1 + sum(map(weight, data.values()))
    if isinstance(data, list):
        return 1 + sum(map(weight, data))
    return 1 + len(data) // CHARACTERS if isinstance(data, str) else 1


def parsed_json(text: str, place: Place) -> Any:
    """Parse JSON with the restrictions of YAML.

    :raises BlueprintError: it is not JSON, is nested too deeply, or has an integer that is too large
    """
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise finding(place, f"This is not JSON: {error}.") from error
    level = [data]
    for _ in range(MAX_DEPTH):
        if any(isinstance(one, int) and not -(2**63) <= one < 2**63 for one in level):
            raise finding(place, "An integer must fit into 64 bits.")
        level = [inner for one in level for inner in _parts(one)]
        if not level:
            return data
    raise finding(place, f"Values are nested more than {MAX_DEPTH} levels deep.")


def _parts(data: Any) -> list[Any]:
    """The values of a list or a mapping."""
    if isinstance(data, dict):
        return list(data.values())
    return data if isinstance(data, list) else []


def item_at(values: Any, key: str) -> Any:
    """The item of a mapping or a list at a part of a dotted key. :raises LookupError: there is none"""
    if isinstance(values, dict):
        return values[key]
    if isinstance(values, list) and re.fullmatch(r"\d{1,6}", key, re.ASCII):
        return values[int(key)]
    raise KeyError(key)


def items_of(values: Any, place: Place) -> Iterable[tuple[Any, Any]]:
    """The items for `!Enumerate`: keys and values of a mapping, indices and items of a list or a text."""
    if isinstance(values, dict):
        return values.items()
    if isinstance(values, list | str):
        return enumerate(values)
    raise finding(place, "!Enumerate takes a list or a mapping.")


def as_mapping(made: list[Any], place: Place) -> dict[str, Any]:
    """A mapping from pairs, or merged from mappings."""
    mapping: dict[str, Any] = {}
    for part in made:
        if isinstance(part, dict):
            mapping |= part
        elif isinstance(part, list) and len(part) == 2 and not isinstance(part[0], list | dict):
            mapping[str(part[0])] = part[1]
        else:
            raise _not_a_pair(place)
    return mapping


def _not_a_pair(place: Place) -> BlueprintError:
    return finding(place, "The value of !Enumerate with MAP must be [key, value] or a mapping.")
