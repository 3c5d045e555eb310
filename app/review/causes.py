"""The actions of overlays behind the differences between two versions."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from app.contract.document.contract import CONTAINERS, Contract, File, Pointer
from app.contract.document.findings import Location
from app.contract.document.overlays import Overlay
from app.contract.document.versions import kinds


class Cause(NamedTuple):
    """An action.

    :param version: the version that it makes
    :param description: of the change
    :param location: its place
    """

    version: str
    description: str
    location: Location

    def __str__(self) -> str:
        return f"{self.version}: {self.description}"


class Causes:
    """The actions of the overlays that two contracts do not share.

    :param old: one contract
    :param new: the other
    """

    def __init__(self, old: Contract, new: Contract) -> None:
        shared = {file.name for file in old.overlays} & {file.name for file in new.overlays}
        overlays = [file for file in (*old.overlays, *new.overlays) if file.name not in shared]
        self._actions = {file.name: list(_actions(file)) for file in overlays}
        self._kinds = [kind for file in overlays for kind in _kinds(file)]
        self._removals: dict[Location, Cause] = {}
        for contract in (old, new):
            for value, (file, place), (overlay, pointer) in contract.removed:
                if overlay.name in self._actions:
                    cause = self._actions[overlay.name][int(pointer[1])]
                    self._removals |= dict.fromkeys(_locations(file, place, value), cause)
        self._around: dict[Location, dict[Cause, None]] = defaultdict(dict)
        for contract in (old, new):
            self._note_around(contract)

    def of(self, operations: Sequence[str], *locations: Location | None) -> tuple[Cause, ...]:
        """The actions behind a difference.

        :param operations: the operations that it affects
        :param locations: its places
        """
        for prefix, file, cause in self._kinds:
            if operations and all(name.startswith(prefix) for name in operations):
                return (cause,)
            if any(location is not None and location.file == file for location in locations):
                return (cause,)
        found: dict[Cause, None] = {}
        for location in filter(None, locations):
            actions = self._actions.get(location.file)
            if actions:
                # The last action that begins before.
                index = bisect_right(actions, (location.line, location.column), key=_place) - 1
                found[actions[max(index, 0)]] = None
            elif location in self._removals:
                found[self._removals[location]] = None
        around = [self._around[location] for location in locations if location in self._around and not found]
        return tuple(found or (around[0] if around else ()))

    def _note_around(self, contract: Contract) -> None:
        """Note the actions behind the parts of a change of a whole, such as an alternative of a schema."""
        for pointer, (file, place) in contract.origins.items():
            if file.name in self._actions and len(place) > 1:
                cause = self._actions[file.name][int(place[1])]
                for depth in range(max(1, len(pointer) - _AROUND), len(pointer)):
                    self._around[contract.locate(pointer[:depth])][cause] = None


# How many levels a change may be reported above its place.
_AROUND = 2


def _actions(file: File) -> Iterator[Cause]:
    overlay = Overlay(file)
    for place, action in overlay.actions:
        yield Cause(overlay.version, action["description"], file.locate(place))


def _kinds(file: File) -> Iterator[tuple[str, str, Cause]]:
    """The kinds that an overlay adds: the prefix of their operationIds, their file, and the cause."""
    overlay = Overlay(file)
    for kind in kinds(overlay):
        description = f"There are {kind.document['names']['many']}. {kind.document['description']}"
        yield f"{kind.document['operations']}_", kind.name, Cause(overlay.version, description, kind.locate(()))


def _place(cause: Cause) -> tuple[int, int]:
    return cause.location.line, cause.location.column


def _locations(file: File, place: Pointer, value: Any) -> Iterator[Location]:
    """The locations of a part and of all its parts."""
    yield file.locate(place)
    if isinstance(value, CONTAINERS):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _locations(file, (*place, key), part)
