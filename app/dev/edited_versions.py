"""The versions of a contract that is being edited, besides the active one."""

from pathlib import Path

from app.application import load_draft
from app.contract.checks.drafts import Draft
from app.contract.checks.stand_ins import check_stand_ins
from app.contract.document.contract import Contract
from app.contract.document.findings import ContractError, Finding
from app.contract.document.overlays import FOLDER
from app.contract.document.versions import overlays
from app.contract.document.yaml_file import resolved
from app.settings import Settings


class EditedVersions:
    """The overlays of a contract as they were saved, with the kind files that they list.

    :param settings: the path of the contract
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names: list[str] = []
        # Of the newest version, which all overlays make.
        self._newest = Draft()
        # Of the version that was loaded last: it is probably the one that is being edited.
        self._loaded: tuple[str, Draft] = "", Draft()

    def load(self, version: str) -> Contract:
        """Load a version. The errors are those of `load_draft`."""
        if self._loaded[0] != version:
            self._loaded = version, Draft()
        return load_draft(self._settings, self._loaded[1], version)

    def check(self, active: Contract) -> list[Finding]:
        """Apply all overlays as they are saved.

        :param active: the active contract, whose enums those of the newest version have to fit
        :returns: the findings of the overlays, empty if they can be applied
        """
        path, files = self._settings.contract, self._newest.files
        self._names = self._listed()
        files.begin()
        try:
            found = overlays(path, read_file=files.read_file)
            newest = self._newest.read(path, None, found[-1].version if found else None)
            return list(check_stand_ins(active, newest))
        except ContractError as error:
            return list(error.findings)

    def outdated(self) -> bool:
        """Whether anything has changed since the last check."""
        return self._listed() != self._names or self._newest.files.outdated()

    def folders(self) -> frozenset[Path]:
        """The folders to watch for changes."""
        folder = self._folder()
        return self._newest.files.folders() | ({folder} if folder.is_dir() else frozenset())

    def _listed(self) -> list[str]:
        return sorted(file.name for file in self._folder().glob("*"))

    def _folder(self) -> Path:
        path = self._settings.contract
        try:
            return resolved(path).parent / FOLDER
        except OSError:
            return path.parent / FOLDER
