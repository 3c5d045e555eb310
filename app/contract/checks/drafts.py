"""A contract that is being edited, and what is known of it from before, so that a save is looked at quickly."""

from pathlib import Path
from typing import Any

from app.contract.checks.parts import Parts, units
from app.contract.document.bundling import read
from app.contract.document.contract import Contract
from app.contract.document.yaml_file import FileMemory
from app.contract.validation.schemas import let_reuse


class Draft:
    """What is known of a contract from when it was last found right.

    `files` are those it was read from.
    """

    def __init__(self) -> None:
        self.files = FileMemory()
        self._right: tuple[Contract, Parts] | None = None

    def read(self, path: Path, name: str | None) -> Contract:
        """Read it anew. The arguments and errors are those of `bundling.read`."""
        self.files.begin()
        contract = read(path, name, self.files.read_file, self.files.resolve)
        self.files.end()
        return contract

    def parts_of(self, contract: Contract) -> Parts:
        """The parts of the contract as it is now, which is one of OpenAPI. It makes use of what is the same as before."""
        if self._right is None:
            return Parts(contract)
        earlier, parts = self._right
        now, then = units(contract.document), units(earlier.document)
        same = frozenset(place for place, unit in now.items() if place in then and _same(unit, then[place]))
        let_reuse(contract, earlier, same)
        if not _same(
            *({**document, "paths": 0, "components": 0} for document in (contract.document, earlier.document))
        ):
            # What stands around the units may have a say in all of them.
            return Parts(contract)
        return Parts(contract, {place: parts.by_unit[place] for place in same})

    def found_right(self, contract: Contract, parts: Parts) -> None:
        """Remember that there is nothing wrong with the contract as it is now."""
        self._right = contract, parts


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a document say the same: `1` is not `true`, and the order of properties counts."""
    return one is other or (one == other and repr(one) == repr(other))
