"""The parts of a contract, by what they are."""

from typing import Any, NamedTuple

from app.contract.source import OPERATION_METHODS, Pointer, Source

# Below these keys stands data of the author's own, in which a key of any name may stand.
_DATA = frozenset({"example", "examples", "default", "enum"})


class Part(NamedTuple):
    """An object of a contract.

    :param pointer: where it stands
    :param node: the object
    :param kind: what it is, as far as checks tell kinds apart: a document, a path, an operation, a parameter, a schema, `names` (a
        map whose keys the author chose), or something else
    """

    pointer: Pointer
    node: dict[str, Any]
    kind: str


def parts(source: Source) -> list[Part]:
    """Every object of a contract but those in free data, outer ones first."""
    found: list[Part] = []
    _collect(source.document, (), found)
    return found


def _collect(node: Any, pointer: Pointer, found: list[Part]) -> None:
    if isinstance(node, dict):
        kind = _kind_of(pointer, node)
        found.append(Part(pointer, node, kind))
        for key, value in node.items():
            is_data = kind != "names" and (key in _DATA or key.startswith("x-")) and not _is_response(pointer, key)
            if isinstance(value, dict | list) and not is_data:
                _collect(value, (*pointer, key), found)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if isinstance(value, dict | list):
                _collect(value, (*pointer, index), found)


def _is_response(pointer: Pointer, key: str) -> bool:
    return key == "default" and pointer[-1:] == ("responses",)


def _kind_of(pointer: Pointer, node: dict[str, Any]) -> str:
    depth = len(pointer)
    if depth == 0:
        return "document"
    first, last = pointer[0], pointer[-1]
    if (last == "properties" and pointer[-2:-1] != ("properties",)) or (depth == 2 and first == "components"):
        return "names"
    if first == "paths" and depth == 2:
        return "path"
    if first == "paths" and depth == 3 and last in OPERATION_METHODS:
        return "operation"
    if isinstance(node.get("in"), str) and isinstance(node.get("name"), str):
        return "parameter"
    if "schema" in pointer or pointer[:2] == ("components", "schemas"):
        return "schema"
    return "other"
