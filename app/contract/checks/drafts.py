"""Incremental checks of a contract that is being edited."""

from collections.abc import Mapping, Set
from functools import partial
from pathlib import Path
from typing import Any

from app.contract.checks.parts import Parts, units
from app.contract.compile import models, scopes
from app.contract.document.contract import Contract, File
from app.contract.document.kinds import MadeFile, Template, made
from app.contract.document.versions import read
from app.contract.document.yaml_file import FileMemory
from app.contract.validation.schemas import let_reuse


class Draft:
    """The results of the last successful check of a contract.

    `files` are the files that it was read from.
    """

    def __init__(self) -> None:
        self.files = FileMemory()
        self._expansions: dict[tuple[File, File], MadeFile] = {}
        self._right: tuple[Contract, Parts] | None = None

    def read(self, path: Path, name: str | None, version: str | None = None) -> Contract:
        """Read the contract again. The arguments and errors are those of `versions.read`."""
        self.files.begin()
        earlier, self._expansions = self._expansions, {}
        expand = partial(self._expand, earlier)
        contract = read(path, version, name, self.files.read_file, self.files.resolve, expand)
        self.files.end()
        return contract

    def _expand(self, earlier: Mapping[tuple[File, File], MadeFile], template: Template, kind: File) -> MadeFile:
        """Expand a template for a kind file, unless neither has changed."""
        files = template.file, kind
        found = self._expansions[files] = earlier.get(files) or made(template, kind)
        return found

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
        return Parts(contract, parts, same)

    def paths_of(self, contract: Contract, parts: Parts) -> Set[str]:
        """The paths whose operations have to be checked against their handlers: all if any model has changed.

        :param contract: one with valid models
        """
        same_models = self._right is not None and _models_of(contract) == _models_of(self._right[0])
        return parts.paths if same_models else frozenset(contract.document["paths"])

    def found_right(self, contract: Contract, parts: Parts) -> None:
        """Record that the current contract has no findings."""
        self._right = contract, parts


def _models_of(contract: Contract) -> tuple[Any, ...]:
    return models.models(contract), models.collections(contract), scopes.served(contract)


def _same(one: Any, other: Any) -> bool:
    """Whether two parts of a document are equal: `1` is not `true`, and the order of properties counts."""
    return one is other or (one == other and repr(one) == repr(other))
