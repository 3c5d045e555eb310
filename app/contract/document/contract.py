"""A contract: one document, and the location of each part in its files."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path, PurePath
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from app.caches import bounded_cache
from app.contract.document.findings import Finding, Location

Pointer = tuple[str | int, ...]
"""The pointer of a part of a document: keys and indices (RFC 6901)."""

CONTAINERS = (dict, list)
"""The types of containers. A union of types would be created at each use, and documents are large."""

# The only folder name of a contract that may be shown: this package's, and by convention that of many others.
_KNOWN_FOLDER = "openapi"

OPERATION_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Place(NamedTuple):
    """The place of a part in a file: lines and columns, counted from 1.

    :param key: its key, or the item itself in a list
    :param value: its value; for an alias, that of the anchor
    """

    key: tuple[int, int]
    value: tuple[int, int]


@dataclass(frozen=True, eq=False)
class File:
    """One file of a contract.

    :param path: its path, without symbolic links
    :param name: its name in messages
    :param text: its content
    :param document: the content as plain data, with all keys as strings
    :param places: locates each part; called only for findings, as it takes as long as parsing the file
    """

    path: Path
    name: str
    text: bytes
    document: dict[str, Any]
    places: Callable[[], Mapping[Pointer, "Place"]]

    @cached_property
    def references(self) -> tuple[tuple[Pointer, dict[str, Any], str], ...]:
        """Pointer, object and text of each `$ref`, and of each reference in a discriminator's mapping, as the file was read:
        bundling modifies the objects. The pointer is that of the text itself.
        """
        found: list[tuple[Pointer, dict[str, Any]]] = []
        mappings: list[tuple[Pointer, dict[str, Any]]] = []
        _collect_references(self.document, (), found, mappings)
        return (
            *(((*pointer, "$ref"), node, node["$ref"]) for pointer, node in found),
            *(
                ((*pointer, name), mapping, text)
                for pointer, mapping in mappings
                for name, text in mapping.items()
                if isinstance(text, str) and not names_schema(text)
            ),
        )

    def locate(self, pointer: Pointer) -> Location:
        """Locate a part, or its nearest ancestor if it is missing."""
        return Location(self.name, *self._place(pointer).key)

    def locate_value(self, pointer: Pointer) -> Location:
        """Locate the value of a part: for an alias, its anchor."""
        return Location(self.name, *self._place(pointer).value)

    def finding(self, pointer: Pointer, problem: str, remedy: str) -> Finding:
        """A finding at a part, or at its value if that is in another file, where it has to be corrected."""
        location, value = self.locate(pointer), self.locate_value(pointer)
        return Finding(location if location.file == value.file else value, problem, remedy, value)

    def _place(self, pointer: Pointer) -> Place:
        places = self.places()
        while pointer and pointer not in places:
            pointer = pointer[:-1]
        return places.get(pointer, Place((1, 1), (1, 1)))


class CircularReference(KeyError):
    """Circular references."""


class Contract:
    """A contract: the OpenAPI document bundled from its files.

    :param files: the files, root first
    :param document: the document, without references to a file
    :param origins: the file and pointer of each part that does not have the same pointer in the root

    `sources` are the files, and `overlays` those of later versions among them; `removed` has what these removed: its value,
    its origin and the action. The compiled schemas of
    `app.contract.validation.schemas` are kept here by direction: `definitions` of components, `validators`, and the
    `reusable` ones of an earlier contract. `memory` has the results of `cached` functions.
    """

    def __init__(
        self, files: tuple[File, ...], document: dict[str, Any], origins: Mapping[Pointer, tuple[File, Pointer]]
    ) -> None:
        self.name = files[0].name
        self.document = document
        self.sources = files
        self.overlays: tuple[File, ...] = ()
        self.removed: tuple[tuple[Any, tuple[File, Pointer], tuple[File, Pointer]], ...] = ()
        self.origins = {(): (files[0], ()), **origins}
        self.definitions: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.validators: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self.reusable: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self.memory: dict[Any, Any] = {}
        self._resolved: dict[str, tuple[Pointer, Any]] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The paths of all files, root first."""
        return tuple(file.path for file in self.sources)

    @property
    def texts(self) -> dict[str, bytes]:
        """The content of each file by its name in messages, root first."""
        return {file.name: file.text for file in self.sources}

    @property
    def release(self) -> str:
        """The release whose contract this is: `info.version`."""
        info = self.document.get("info")
        return str(info.get("version", "")) if isinstance(info, dict) else ""

    @cached_property
    def base_path(self) -> str:
        """The base path of the API without a trailing slash: the path of the first server's URL (OpenAPI 3.0.3, "Server
        Object"); empty if the document names no server.
        """
        servers = self.document.get("servers") or [{"url": "/"}]
        return path_of(servers[0]["url"])

    @cached_property
    def text(self) -> bytes:
        """The contract as one file; unchanged if it is one already."""
        if len(self.sources) == 1:
            return self.sources[0].text
        from app.contract.document.dumping import as_yaml

        return as_yaml(self.document)

    def public(self, text: str) -> str:
        """Make file paths in a text relative to the contract's folder, so that no response reveals the location of that folder. A
        folder called `openapi` keeps its name.
        """
        pattern, folder = self._private_folder
        return pattern.sub(folder, text)

    @cached_property
    def _private_folder(self) -> tuple[re.Pattern[str], str]:
        """The pattern of this contract's folder, and its replacement."""
        given, real = PurePath(self.name).parent, self.sources[0].path.parent
        names = {f"{folder}/" for folder in (given, real, Path(given).absolute())} - {"./"}
        pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        return re.compile(rf"(?<![\w./-])(?:{pattern})"), f"{_KNOWN_FOLDER}/" if given.name == _KNOWN_FOLDER else ""

    def locate(self, pointer: Pointer) -> Location:
        """Locate a part, or its nearest ancestor if it is missing."""
        file, place = self.origin(pointer)
        return file.locate(place)

    def finding(self, pointer: Pointer, problem: str, remedy: str) -> Finding:
        """A finding at a part of this contract."""
        file, place = self.origin(pointer)
        return file.finding(place, problem, remedy)

    def origin(self, pointer: Pointer) -> tuple[File, Pointer]:
        """The file and pointer of a part."""
        return origin_in(self.origins, pointer)

    def resolve(self, pointer: Pointer, node: Any) -> tuple[Pointer, Any]:
        """Follow `$ref` from a node until there is none.

        :returns: pointer and value of the target
        :raises KeyError: a reference is dangling or circular
        """
        if not (isinstance(node, dict) and isinstance(reference := node.get("$ref"), str)):
            return pointer, node
        if reference not in self._resolved:
            self._resolved[reference] = self._follow(reference)
        return self._resolved[reference]

    def _follow(self, reference: str) -> tuple[Pointer, Any]:
        seen = {reference}
        while True:
            pointer = parse_reference(reference)
            node = self.at(pointer)
            if not (isinstance(node, dict) and isinstance(further := node.get("$ref"), str)):
                return pointer, node
            if further in seen:
                raise CircularReference(further)
            seen.add(further)
            reference = further

    def at(self, pointer: Pointer) -> Any:
        """The part at a pointer. :raises KeyError: there is none"""
        return part_at(self.document, pointer)

    def references(self) -> Iterator[tuple["Source", Pointer, dict[str, Any]]]:
        """Iterate over the objects of the document with a `$ref`: what locates them, pointer in it, and object."""
        for file in self.sources:
            for place, node, _ in file.references:
                # The reference of a path item is followed during bundling, as it may name another file.
                if place[-1] == "$ref" and "$ref" in node and not is_path_item(pointer := place[:-1]):
                    yield file, pointer, node

    def operations(self) -> Iterator[tuple[Pointer, str, str, dict[str, Any]]]:
        """Iterate over the operations: pointer, path, method in lower case, and operation object."""
        for path, item in self.document["paths"].items():
            if path.startswith("x-"):
                continue
            for method in OPERATION_METHODS:
                if method in item:
                    yield ("paths", path, method), path, method, item[method]


Source = File | Contract
"""The document of a pointer: a file, or a whole contract."""

_Arguments = ParamSpec("_Arguments")
_Made = TypeVar("_Made")


def cached(
    make: Callable[Concatenate[Contract, _Arguments], _Made],
) -> Callable[Concatenate[Contract, _Arguments], _Made]:
    """Cache the results of a function of a contract by its arguments. Callers must not change them."""

    @wraps(make)
    def made(contract: Contract, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Made:
        key = (make, *args, *kwargs.items())
        if key not in contract.memory:
            contract.memory[key] = make(contract, *args, **kwargs)
        return cast("_Made", contract.memory[key])

    return made


def origin_in(origins: Mapping[Pointer, tuple[File, Pointer]], pointer: Pointer) -> tuple[File, Pointer]:
    """The file and pointer of a part: those of its nearest ancestor with a known origin."""
    depth = len(pointer)
    while pointer[:depth] not in origins:
        depth -= 1
    file, origin = origins[pointer[:depth]]
    return file, (*origin, *pointer[depth:])


def path_of(url: str) -> str:
    """The path of a server's URL, without a trailing slash."""
    return urlsplit(url).path.rstrip("/")


def is_path_item(pointer: Pointer) -> bool:
    """Whether a pointer names a path item, or a reference to one."""
    return len(pointer) == 2 and pointer[0] == "paths"


def part_at(document: Any, pointer: Pointer) -> Any:
    """The part of a document at a pointer. :raises KeyError: there is none"""
    node = document
    for key in pointer:
        try:
            node = node[int(key) if isinstance(node, list) else key]
        except (IndexError, TypeError, ValueError) as error:
            raise KeyError(pointer) from error
    return node


def as_pointer(document: Any, path: Sequence[str | int]) -> Pointer:
    """Convert a validator's path to a pointer: it takes a key of digits for an index.

    :param document: the validated document
    """
    pointer: Pointer = ()
    for key in path:
        key = str(key) if isinstance(document, dict) else key
        pointer, document = (*pointer, key), document[key]
    return pointer


@bounded_cache(4096)
def parse_reference(reference: str) -> Pointer:
    """The pointer of a `$ref` of the form `#/a/b` (RFC 6901, section 6).

    :raises KeyError: the reference names another document
    """
    if not reference.startswith("#/"):
        raise KeyError(reference)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/"))


def reference_to(pointer: Pointer) -> str:
    """The `$ref` of a pointer, the inverse of `parse_reference`."""
    return "#/" + "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in pointer)


def references(node: Any, pointer: Pointer = ()) -> list[tuple[Pointer, dict[str, Any]]]:
    """List the objects with a `$ref` below a part, with their pointers. Examples are data, in which `$ref` has no meaning."""
    found: list[tuple[Pointer, dict[str, Any]]] = []
    _collect_references(node, pointer, found, [])
    return found


def names_schema(text: str) -> bool:
    """Whether an entry of a discriminator's mapping is the name of a schema instead of a reference."""
    return _NAME.fullmatch(text) is not None and not text.endswith((".yaml", ".yml", ".json"))


_EXAMPLES = frozenset({"example", "examples"})
# OpenAPI 3.0.3, "Components Object".
_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def _collect_references(
    node: Any,
    pointer: Pointer,
    found: list[tuple[Pointer, dict[str, Any]]],
    mappings: list[tuple[Pointer, dict[str, Any]]],
) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            found.append((pointer, node))
        if "mapping" in node and pointer[-1:] == ("discriminator",) and pointer[-2:-1] != ("properties",):
            if isinstance(mapping := node["mapping"], dict):
                mappings.append(((*pointer, "mapping"), mapping))
            return
        for key, value in node.items():
            if isinstance(value, CONTAINERS) and (key not in _EXAMPLES or pointer[-1:] == ("properties",)):
                _collect_references(value, (*pointer, key), found, mappings)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if isinstance(value, CONTAINERS):
                _collect_references(value, (*pointer, index), found, mappings)
