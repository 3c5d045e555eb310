"""The objects of a contract, by kind."""

from collections import defaultdict
from collections.abc import Container, Mapping, Set
from typing import Any, NamedTuple

from app.contract.document.contract import CONTAINERS, OPERATION_METHODS, Contract, Pointer, parse_reference

# The values of these keys are free data, with keys of any name.
_DATA = frozenset({"example", "examples", "default", "enum"})


# The values of these keys are not schemas, even within a schema.
_UNLIKE_SCHEMAS = {
    "headers": "names",
    "mapping": "names",
    "discriminator": "other",
    "xml": "other",
    "externalDocs": "other",
}


class Part(NamedTuple):
    """An object of a contract.

    :param pointer: its pointer
    :param node: the object
    :param kind: its kind, as far as checks need it: a document, a path, an operation, a parameter, a schema, `names` (a
        map whose keys the author chose), or something else
    """

    pointer: Pointer
    node: dict[str, Any]
    kind: str


class Parts:
    """All objects of a contract outside free data, parents first.

    :param contract: a valid OpenAPI contract
    :param earlier: the parts of an earlier contract that has passed the checks; None if there is none
    :param same: the pointers of the units that have not changed since, if the rest of the document has not either

    `all` has all of them, `new` those of units that have changed, `affected` also those of units that refer to a changed one,
    directly or not, and `by_unit` all by the pointer of their unit, `()` for those outside of units. `paths` are the affected
    paths.
    """

    def __init__(self, contract: Contract, earlier: "Parts | None" = None, same: Set[Pointer] = frozenset()) -> None:
        by_place = units(contract.document)
        known = {place: earlier.by_unit[place] for place in same} if earlier is not None else {}
        self.by_unit: dict[Pointer, list[Part]] = {(): _collected(contract.document, (), by_place)}
        self.by_unit |= {place: known.get(place) or _collected(unit, place) for place, unit in by_place.items()}
        self.all = [part for found in self.by_unit.values() for part in found]
        self.new = [part for place, found in self.by_unit.items() if place not in known for part in found]
        affected = self._affected({place for place in by_place if place not in known}) if known else self.by_unit.keys()
        self.affected = [
            part for place in self.by_unit if place in affected or not place for part in self.by_unit[place]
        ]
        self.paths = frozenset(str(place[1]) for place in affected if place[:1] == ("paths",))

    def _affected(self, changed: Set[Pointer]) -> Set[Pointer]:
        """The units that changed, and those that refer to one of them, directly or not; all if security schemes changed, which
        operations name without a reference.
        """
        if any(place[1] == "securitySchemes" for place in changed):
            return self.by_unit.keys()
        referring: dict[Pointer, set[Pointer]] = defaultdict(set)
        for place, found in self.by_unit.items():
            for part in found:
                if isinstance(reference := part.node.get("$ref"), str):
                    target = parse_reference(reference)
                    referring[target[: 2 if target[0] == "paths" else 3]].add(place)
        affected: set[Pointer] = set()
        waiting = list(changed)
        while waiting:
            place = waiting.pop()
            if place not in affected:
                affected.add(place)
                waiting += referring[place]
        return affected


def units(document: Mapping[str, Any]) -> dict[Pointer, Any]:
    """The path items and components of an OpenAPI document, by pointer."""
    paths = document["paths"].items()
    found: dict[Pointer, Any] = {("paths", path): item for path, item in paths if not path.startswith("x-")}
    for section, named in document.get("components", {}).items():
        if not section.startswith("x-"):
            found |= {("components", section, name): component for name, component in named.items()}
    return found


def _collected(node: Any, pointer: Pointer, apart: Container[Pointer] = ()) -> list[Part]:
    """Collect the parts below a pointer, except the units `apart`."""
    found: list[Part] = []
    _collect(node, pointer, apart, found)
    return found


def _collect(node: Any, pointer: Pointer, apart: Container[Pointer], found: list[Part]) -> None:
    if isinstance(node, dict):
        kind = _kind_of(pointer, node)
        found.append(Part(pointer, node, kind))
        for key, value in node.items():
            is_data = kind != "names" and (key in _DATA or key.startswith("x-")) and not _is_response(pointer, key)
            if isinstance(value, CONTAINERS) and not is_data and (within := (*pointer, key)) not in apart:
                _collect(value, within, apart, found)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if isinstance(value, CONTAINERS):
                _collect(value, (*pointer, index), apart, found)


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
    if last in _UNLIKE_SCHEMAS and pointer[-2] != "properties":
        return _UNLIKE_SCHEMAS[last]
    if isinstance(node.get("in"), str) and isinstance(node.get("name"), str):
        return "parameter"
    if "schema" in pointer or pointer[:2] == ("components", "schemas"):
        return "schema"
    return "other"
