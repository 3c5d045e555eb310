"""Construction of plain data from YAML, and the locations of its parts."""

import contextlib
import itertools
import re
from collections.abc import Iterator
from typing import Any

import yaml

from app.contract.document.contract import Place, Pointer
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.document.scalars import RESOLVERS, TEXT, value_of
from app.contract.document.syntax import finding_of

# Levels of nesting: encoders and validators have a limit as well, and no real contract needs as many.
_DEPTH = 100
# Open brackets: with more, the C parser would overflow its stack.
_OPEN = 5_000
# Limit of the parts of a file after the expansion of aliases: a fixed number, and some for each byte of the file.
_PARTS, _PARTS_PER_BYTE = 100_000, 10

_NESTED = f"The file is nested more than {_DEPTH} levels deep.", "Put parts of it into components."
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# JSON escapes a character outside the Basic Multilingual Plane as a surrogate pair (RFC 8259, section 7), YAML as one.
_SURROGATES = re.compile(rb"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
# Bound once: a contract has many.
_Scalar = yaml.ScalarNode
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """PyYAML's loader, in C if available, with YAML 1.2's scalars: `on`, `1:30` and `2024-08-01` are text, and `012` is twelve."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in RESOLVERS:
    _Loader.add_implicit_resolver(_tag, _form, list(_first))
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", RESOLVERS[0][1])]


def construct(text: bytes, name: str) -> Any:
    """Convert YAML to plain data; each alias becomes a copy of its anchor. None if it is neither a mapping nor a list.

    :param name: the name of the file in messages
    :raises ContractError: it is not YAML, a mapping has a duplicate key, or JSON has no such value
    """
    if _open_at_once(text) > _OPEN:
        raise ContractError([Finding(Location(name, 1, 1), *_NESTED)])
    try:
        with _loading(text) as loader:
            node = loader.get_single_node()
            construction = _Construction(name, node, _PARTS + _PARTS_PER_BYTE * len(text))
            document = construction.collection(node, 0) if isinstance(node, yaml.CollectionNode) else None
    except yaml.YAMLError as error:
        raise ContractError([finding_of(error, name, text)]) from error
    if construction.findings:
        raise ContractError(sorted(set(construction.findings)))
    return document


def places(text: bytes) -> dict[Pointer, Place]:
    """Locate each part of a text that `construct` has accepted."""
    found: dict[Pointer, Place] = {}

    def note(node: Any, pointer: Pointer, key: tuple[int, int]) -> None:
        found[pointer] = Place(key, _mark(node))
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                note(value_node, (*pointer, key_node.value), _mark(key_node))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                note(item, (*pointer, index), _mark(item))

    with _loading(text) as loader:
        note(node := loader.get_single_node(), (), _mark(node))
    return found


class _Construction:
    """A conversion of nodes to plain data.

    :param name: the name of the file in messages
    :param root: the outermost node
    :param limit: the largest number of parts

    `findings` has the errors that did not stop the conversion.
    """

    def __init__(self, name: str, root: Any, limit: int) -> None:
        self._name = name
        self._root = root
        self._limit = limit
        self._made = 0
        self.findings: list[Finding] = []

    def collection(self, node: Any, depth: int) -> Any:
        """Convert a mapping or a list. :raises ContractError: it is too deep or too large"""
        self._made += len(node.value)
        if depth > _DEPTH or self._made > self._limit:
            raise ContractError([_excess(self._root, self._name, self._limit)])
        if node.tag not in _COLLECTIONS:
            self._find(node, f"JSON has no {node.tag.replace('tag:yaml.org,2002:', '!!')!r}.", "Remove the tag.")
        deeper = depth + 1
        if isinstance(node, yaml.SequenceNode):
            return [
                self._scalar(item) if type(item) is _Scalar else self.collection(item, deeper) for item in node.value
            ]
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if type(key) is not _Scalar:
                self._find(key, "A key is not text.", "Put it in quotes.")
                continue
            # JSON keys are text; status codes are often written as numbers, such as 200.
            name = key.value
            if name in mapping:
                self._find(key, f"The key {name!r} is a duplicate.", "Remove one of them.")
            elif name == "<<" and not key.style:
                self._find(key, "YAML 1.2 has no merge key (`<<`).", "Write the keys out, or use `allOf`.")
            mapping[name] = self._scalar(value) if type(value) is _Scalar else self.collection(value, deeper)
        return mapping

    def _scalar(self, node: Any) -> Any:
        if node.tag == TEXT:
            return node.value
        try:
            return value_of(node.tag, node.value)
        except ValueError as error:
            self._find(node, f"The value `{node.value[:40]}` {error}.", "Put it in quotes, or correct it.")
            return None

    def _find(self, node: Any, problem: str, remedy: str) -> None:
        self.findings.append(Finding(Location(self._name, *_mark(node)), problem, remedy))


def _open_at_once(text: bytes) -> int:
    """The maximum of open brackets and dashes; those in strings and comments count as well."""
    dashes = max((len(run) // 2 for run in re.findall(rb"(?:[-?] +){50,}", text)), default=0)
    brackets = text.translate(None, _NOT_BRACKETS)
    if len(brackets) <= _OPEN:
        return dashes
    return max(dashes, *itertools.accumulate(1 if bracket in b"[{" else -1 for bracket in brackets))


def _excess(root: Any, name: str, limit: int) -> Finding:
    """The cause of an excessive size: a recursive alias, nesting, or aliases of aliases."""
    sizes: dict[int, int] = {}
    nodes: list[Any] = []

    def look(node: Any, around: dict[int, None]) -> Finding | None:
        if type(node) is _Scalar or id(node) in sizes:
            return None
        if id(node) in around:
            return Finding(
                Location(name, *_mark(node)), "An alias contains itself.", "Use `$ref` for a recursive schema."
            )
        if len(around) > _DEPTH:
            return Finding(Location(name, *_mark(node)), *_NESTED)
        inner = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        for part in inner:
            if found := look(part, {**around, id(node): None}):
                return found
        sizes[id(node)] = len(inner) + sum(sizes.get(id(part), 0) for part in inner)
        nodes.append(node)
        return None

    if found := look(root, {}):
        return found
    # The smallest node that is too large: its ancestors are too large only because of it.
    node = min((node for node in nodes if sizes[id(node)] > limit), key=lambda node: sizes[id(node)], default=root)
    problem = f"Aliases of aliases make more than {limit} parts of this."
    return Finding(Location(name, *_mark(node)), problem, "Use `$ref` for repeated parts.")


@contextlib.contextmanager
def _loading(text: bytes) -> Iterator[Any]:
    if text.lstrip().startswith(b"{") and b"\\u" in text:
        text = _SURROGATES.sub(_one_escape, text)
    loader = _Loader(text)
    try:
        yield loader
    finally:
        loader.dispose()


def _one_escape(pair: re.Match[bytes]) -> bytes:
    character = bytes.fromhex(f"{pair[1].decode()}{pair[2].decode()}").decode("utf-16-be")
    return b"\\U%08X" % ord(character)


def _mark(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
