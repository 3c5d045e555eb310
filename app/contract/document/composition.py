"""Application of overlays to a contract.

Stricter than the specification: an action changes each part that its target finds.
"""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from typing import Any

from app.contract.document.contract import CONTAINERS, Contract, File, Pointer, Source, origin_in, part_at
from app.contract.document.findings import ContractError, Finding, shown
from app.contract.document.overlays import Overlay
from app.contract.document.values import Part


class ComposedContract(Contract):
    """A contract with overlays applied.

    :param base: the contract without them
    :param overlays: the overlays, in order
    :param composition: its result
    """

    def __init__(self, base: Contract, overlays: Iterable[Overlay], composition: "_Composition") -> None:
        files = tuple(overlay.file for overlay in overlays)
        super().__init__((*base.sources, *files), composition.document, composition.origins)
        self.overlays = files
        self.removed = tuple(composition.removed)

    def references(self) -> Iterator[tuple[Source, Pointer, dict[str, Any]]]:
        """Iterate over the objects of the document with a `$ref`: this contract, pointer in it, and object."""
        for pointer, node, _ in File(self.files[0], self.name, b"", self.document, dict).references:
            if pointer[-1] == "$ref":
                yield self, pointer[:-1], node


def compose(base: Contract, overlays: Iterable[Overlay]) -> Contract:
    """Apply overlays to a contract, which keeps its own document.

    :param base: the contract, with the kinds that the overlays bring in
    :param overlays: the overlays, in order
    :raises ContractError: an action can't be applied; later overlays are not tried
    """
    overlays = tuple(overlays)
    if not overlays:
        return base
    composition = _Composition(base)
    for overlay in overlays:
        composition.apply(overlay)
    composed = ComposedContract(base, overlays, composition)
    if composed.release != overlays[-1].release:
        problem = f"After the actions, `info.version` of the contract is {composed.release!r}."
        finding = overlays[-1].file.finding(("info", "version"), problem, "Update `$.info`, or correct the version.")
        raise ContractError([finding])
    return composed


class _Unfit(Exception):
    """An action that can't be applied.

    :param finding: the reason
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


class _Composition:
    """A document to which overlays are applied. Parts that it shares with the contract are copied before they are changed.

    :param base: the contract
    """

    def __init__(self, base: Contract) -> None:
        self.document = dict(base.document)
        self.origins = dict(base.origins)
        self.removed: list[tuple[Any, Part, Part]] = []
        # By identity.
        self._own: dict[int, Any] = {id(self.document): self.document}

    def apply(self, overlay: Overlay) -> None:
        """Apply an overlay. :raises ContractError: actions can't be applied"""
        findings: list[Finding] = []
        for place, action in overlay.actions:
            try:
                self._act(overlay.file, place, action)
            except _Unfit as unfit:
                findings.append(unfit.finding)
        if findings:
            raise ContractError(sorted(findings))

    def _act(self, file: File, place: Pointer, action: dict[str, Any]) -> None:
        found = self._find(file, (*place, "target"), action["target"])
        if not found:
            raise _unfit(file, (*place, "target"), "The target finds nothing.", "Correct it, or remove the action.")
        if "remove" in action:
            self._remove(file, place, found)
            return
        if "update" in action:
            change, origin = action["update"], (file, (*place, "update"))
        else:
            change, origin = self._copied(file, (*place, "copy"), action["copy"])
        for pointer in found:
            self._update(pointer, change, origin)

    def _find(self, file: File, place: Pointer, path: str) -> list[Pointer]:
        """The pointers of what a JSONPath finds."""
        # Slow, and most starts find the checked contract in the cache.
        import jsonpath_rfc9535

        try:
            nodes = jsonpath_rfc9535.find(path, self.document)
        except jsonpath_rfc9535.JSONPathError as error:
            remedy = "See RFC 9535 for its syntax."
            raise _unfit(
                file, place, f"This is not a JSONPath: {str(error).partition(', line')[0]}.", remedy
            ) from error
        return list(dict.fromkeys(node.location for node in nodes))

    def _copied(self, file: File, place: Pointer, path: str) -> tuple[Any, Part]:
        found = self._find(file, place, path)
        if len(found) != 1:
            problem = f"`copy` finds {len(found)} parts, not one."
            raise _unfit(file, place, problem, "Write a JSONPath that finds one.")
        return copy.deepcopy(part_at(self.document, found[0])), (file, place)

    def _update(self, pointer: Pointer, change: Any, origin: Part) -> None:
        node = self._owned(pointer)
        if isinstance(node, dict) and isinstance(change, dict):
            if not self._merge(node, change, pointer, origin):
                raise _unfit(*origin, f"This changes nothing at {_shown(pointer)}.", "Remove the action, or narrow it.")
        elif isinstance(node, list):
            self._append(node, change, pointer, origin)
        else:
            problem = f"The target {_shown(pointer)} is {_kind(node)}, the update {_kind(change)}."
            raise _unfit(*origin, problem, "Select the mapping around it, and write the key below `update`.")

    def _merge(self, node: dict[str, Any], change: dict[str, Any], pointer: Pointer, origin: Part) -> bool:
        """Merge a mapping into another (Overlay 1.1.0, "Action Object"). :returns: whether it changes anything"""
        file, place = origin
        changes = False
        for key, value in change.items():
            at, origin = (*pointer, key), (file, (*place, key))
            if key not in node:
                self._set(node, key, value, at, origin)
            elif isinstance(value, dict) and isinstance(node[key], dict):
                changes |= self._merge(self._owned(at), value, at, origin)
                continue
            elif isinstance(value, list) and isinstance(node[key], list):
                for index, item in enumerate(value):
                    self._append(self._owned(at), item, at, (file, (*place, key, index)))
            elif isinstance(value, CONTAINERS) or isinstance(node[key], CONTAINERS):
                problem = f"{_shown(at)} is {_kind(node[key])}, this is {_kind(value)}."
                raise _unfit(*origin, problem, "Remove it by an action before, or write the same kind of value.")
            elif not _same(node[key], value):
                self._set(node, key, value, at, origin)
            else:
                continue
            changes = True
        return changes

    def _append(self, node: list[Any], value: Any, pointer: Pointer, origin: Part) -> None:
        if any(_same(item, value) for item in node):
            problem = f"{_shown(pointer)} has {shown(value)} already."
            raise _unfit(*origin, problem, "Remove it here.")
        self.origins[*pointer, len(node)] = origin
        node.append(value)

    def _set(self, node: dict[str, Any], key: str, value: Any, pointer: Pointer, origin: Part) -> None:
        node[key] = value
        self.origins[pointer] = origin

    def _remove(self, file: File, place: Pointer, found: list[Pointer]) -> None:
        if () in found:
            raise _unfit(file, (*place, "target"), "The target is the whole document.", "Select a part of it.")
        # The parts of a removed part are removed with it.
        selected = frozenset(found)
        gone = {at for at in selected if not any(at[:depth] in selected for depth in range(len(at)))}
        items: defaultdict[Pointer, set[int]] = defaultdict(set)
        lengths = {len(at) for at in gone}
        placed = [at for at in self.origins if any(at[:length] in gone for length in lengths)]
        for at in {*gone, *placed}:
            self.removed.append((part_at(self.document, at), origin_in(self.origins, at), (file, place)))
        for at in gone:
            parent = self._owned(at[:-1])
            if isinstance(parent, list):
                items[at[:-1]].add(int(at[-1]))
            else:
                del parent[at[-1]]
        for at in placed:
            del self.origins[at]
        # The innermost lists first, so that the pointers of the others hold.
        for pointer, indices in sorted(items.items(), key=lambda item: -len(item[0])):
            self._remove_items(pointer, indices)

    def _remove_items(self, pointer: Pointer, indices: Set[int]) -> None:
        """Remove items of a list. The others keep their origins."""
        node, depth = self._owned(pointer), len(pointer)
        kept = [index for index in range(len(node)) if index not in indices]
        node[:] = [node[index] for index in kept]
        now: dict[str | int, int] = {old: new for new, old in enumerate(kept)}
        moved = {(*pointer, new): origin_in(self.origins, (*pointer, old)) for old, new in now.items()}
        within = [at for at in self.origins if len(at) > depth and at[:depth] == pointer]
        inner = {at: self.origins.pop(at) for at in within}
        self.origins |= moved
        for at, part in inner.items():
            self.origins[*pointer, now[at[depth]], *at[depth + 1 :]] = part

    def _owned(self, pointer: Pointer) -> Any:
        """The part at a pointer, which may be changed."""
        node: Any = self.document
        for key in pointer:
            inner = node[key]
            if isinstance(inner, CONTAINERS) and id(inner) not in self._own:
                inner = node[key] = copy.copy(inner)
                self._own[id(inner)] = inner
            node = inner
        return node


def _unfit(file: File, place: Pointer, problem: str, remedy: str) -> _Unfit:
    return _Unfit(file.finding(place, problem, remedy))


def _shown(pointer: Pointer) -> str:
    """A pointer in a message, as RFC 6901 writes it."""
    return repr("".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in pointer))


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a single value"


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal: `1` is not `true`."""
    return one == other and repr(one) == repr(other)
