"""Incremental checks of a contract that is being edited."""

from pathlib import Path
from typing import Any

from app.contract.checks.parts import Parts, units
from app.contract.document.contract import Contract
from app.contract.document.versions import read
from app.contract.document.yaml_file import FileMemory
from app.contract.validation.schemas import let_reuse


class Draft:
    """The results of the last successful check of a contract.

    `files` are the files that it was read from.
    """

    def __init__(self) -> None:
        self.files = FileMemory()
        self._right: tuple[Contract, Parts] | None = None

    def read(self, path: Path, name: str | None, version: str | None = None) -> Contract:
        """Read the contract again. The arguments and errors are those of `versions.read`."""
        self.files.begin()
        contract = read(path, version, name, self.files.read_file, self.files.resolve)
        self.files.end()
        return contract

    def parts_of(self, contract: Contract) -> Parts:
        """The parts of the current contract, which is valid OpenAPI. Unchanged ones are reused."""
        if self._right is None:
            return Parts(contract)
        earlier, parts = self._right
        now, then = units(contract.document), units(earlier.document)
        same = frozenset(place for place, unit in now.items() if place in then and _same(unit, then[place]))
        let_reuse(contract, earlier, same)
        if not _same(
            *({**document, "paths": 0, "components": 0} for document in (contract.document, earlier.document))
        ):
            # The rest of the document may affect all units.
            return Parts(contract)
        return Parts(contract, {place: parts.by_unit[place] for place in same})

    def found_right(self, contract: Contract, parts: Parts) -> None:
        """Record that the current contract has no findings."""
        self._right = contract, parts


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a document are equal: `1` is not `true`, and the order of properties counts."""
    return one is other or (one == other and repr(one) == repr(other))
