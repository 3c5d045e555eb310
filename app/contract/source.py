"""Read the YAML and remember where each part of it stands."""

import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from app.contract.findings import ContractError, Finding, Location

Pointer = tuple[str | int, ...]
"""Where a part stands in the document: the keys and indices that lead to it (RFC 6901)."""

OPERATION_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """PyYAML in C, with YAML 1.2's scalars: `on` and `2024-08-01` are strings, as JSON has no other reading of them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class Source:
    """A contract as read: the document and the place of each part.

    :param name: the file's name, as messages show it
    :param document: the OpenAPI document, with all keys as strings
    :param places: line and column of each part
    """

    def __init__(
        self, name: str, text: bytes, document: dict[str, Any], places: Mapping[Pointer, tuple[int, int]]
    ) -> None:
        self.name = name
        self.text = text
        self.document = document
        self._places = places

    def locate(self, pointer: Pointer) -> Location:
        """Where a part stands; the nearest part around it if it is missing or comes from an alias."""
        while pointer and pointer not in self._places:
            pointer = pointer[:-1]
        return Location(self.name, *self._places.get(pointer, (1, 1)))

    def finding(self, pointer: Pointer, problem: str, remedy: str) -> Finding:
        """A finding at a part of this contract."""
        return Finding(self.locate(pointer), problem, remedy)

    def resolve(self, pointer: Pointer, node: Any) -> tuple[Pointer, Any]:
        """Follow `$ref` from a node until there is none.

        :returns: the place and the value that the reference leads to
        :raises KeyError: a reference leads nowhere or in a circle
        """
        seen = set()
        while isinstance(node, dict) and isinstance(ref := node.get("$ref"), str):
            if ref in seen:
                raise KeyError(ref)
            seen.add(ref)
            pointer = parse_reference(ref)
            node = self.at(pointer)
        return pointer, node

    def at(self, pointer: Pointer) -> Any:
        """The part at a place. :raises KeyError: there is none"""
        node: Any = self.document
        for key in pointer:
            try:
                node = node[int(key) if isinstance(node, list) else key]
            except (IndexError, TypeError, ValueError) as error:
                raise KeyError(pointer) from error
        return node

    def operations(self) -> Iterator[tuple[Pointer, str, str, dict[str, Any]]]:
        """Each operation: its place, path, method in small letters, and the operation itself."""
        for path, item in self.document["paths"].items():
            for method in OPERATION_METHODS:
                if method in item:
                    yield ("paths", path, method), path, method, item[method]


def parse_reference(reference: str) -> Pointer:
    """The place that a `$ref` of the form `#/a/b` names (RFC 6901, section 6).

    :raises KeyError: the reference leaves the document
    """
    if not reference.startswith("#/"):
        raise KeyError(reference)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/"))


def read(path: Path, name: str | None = None) -> Source:
    """Read a contract.

    :param path: the YAML file
    :param name: how messages call the file; its path if not given
    :raises ContractError: the file can't be read, or is no YAML mapping with unique keys
    """
    name = name or str(path)
    start = Location(name, 1, 1)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ContractError(
            [Finding(start, f"The contract can't be read: {error.strerror}.", "Give the path of a readable file.")]
        ) from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        findings: list[Finding] = []
        places: dict[Pointer, tuple[int, int]] = {}
        document = None if node is None else _construct(loader, node, (), name, places, findings)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Location(name, mark.line + 1, mark.column + 1) if mark else start
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise ContractError([Finding(where, f"This is not valid YAML: {problem}.", "Correct the syntax.")]) from error
    except RecursionError as error:
        raise ContractError(
            [Finding(start, "An alias contains itself.", "Use `$ref` for a recursive schema.")]
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise ContractError(
            [Finding(start, f"This is not valid YAML: {problem}.", "Save the file as UTF-8 text.")]
        ) from error
    finally:
        loader.dispose()
    if findings:
        raise ContractError(sorted(findings))
    if not isinstance(document, dict):
        raise ContractError([Finding(start, "The contract is not a mapping.", "Begin it with `openapi: 3.0.3`.")])
    return Source(name, text, document, places)


def _construct(
    loader: Any,
    node: Any,
    pointer: Pointer,
    name: str,
    places: dict[Pointer, tuple[int, int]],
    findings: list[Finding],
) -> Any:
    """Turn a node into plain data, and note where each of its parts stands: an alias's at its anchor."""
    places.setdefault(pointer, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if not isinstance(key, Hashable) or isinstance(key, tuple):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a scalar", key_node.start_mark)
            # JSON has string keys only, and 200 is a usual way to write a response's code.
            key = key if isinstance(key, str) else str(key)
            if key in mapping:
                findings.append(
                    Finding(Location(name, line, column), f"The key {key!r} stands here twice.", "Remove one of them.")
                )
            inner = (*pointer, key)
            places[inner] = (line, column)
            mapping[key] = _construct(loader, value_node, inner, name, places, findings)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*pointer, index), name, places, findings) for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)
