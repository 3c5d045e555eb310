"""The versions of a contract: the root, and the overlays in the folder beside it, each of which extends the one before."""

import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePath

from app.contract.document import bundling
from app.contract.document.composition import compose
from app.contract.document.contract import Contract, File
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.document.kinds import made
from app.contract.document.overlays import (
    BEGINNING,
    FOLDER,
    SUFFIX,
    Overlay,
    is_version,
    minor,
    order_of,
    version_named,
)
from app.contract.document.reading import Expand, ReadFile, Resolve
from app.contract.document.yaml_file import read_file, resolved


class UnknownVersion(Exception):
    """A version that does not exist. The message lists those that do."""


def names(path: Path, release: str) -> tuple[str, ...]:
    """The names of all versions, oldest first, without reading them.

    :param path: the root file of the contract
    :param release: the release whose contract the root is
    """
    found = (file.name.removesuffix(SUFFIX) for file in (path.resolve().parent / FOLDER).glob(f"*{SUFFIX}"))
    return (minor(release), *sorted(filter(is_version, found), key=order_of))


def root_release(path: Path) -> str:
    """The release whose contract the root is. :param path: the root file :raises ContractError: it is not a YAML mapping"""
    info = read_file(path, str(path), BEGINNING).document.get("info")
    return str(info.get("version", "")) if isinstance(info, dict) else ""


def read(
    path: Path,
    version: str | None = None,
    name: str | None = None,
    read_file: ReadFile = read_file,
    resolve: Resolve = resolved,
    expand: Expand = made,
) -> Contract:
    """Read a version of a contract.

    :param path: the root file
    :param version: the name of the version, or one of its releases; None for that of the root
    :param name: the name of the root in messages; its path by default
    :param read_file: reads a file, as for `bundling.read`
    :param resolve: resolves the links of a path
    :param expand: expands a template for a kind file
    :raises UnknownVersion: there is no such version
    :raises ContractError: a file can't be read, or the files don't fit together
    """
    version = version_named(version) if version is not None else None
    folder = _Folder(path, name or bundling.shown_name(path), read_file, resolve)
    overlays = folder.up_to(version) if version is not None else ()
    base = bundling.read(path, name, read_file, resolve, expand, [overlay.file for overlay in overlays])
    if version is not None and not overlays and minor(base.release) != version:
        known = ", ".join(names(path, base.release))
        raise UnknownVersion(f"There is no version {version!r}. There are: {known}.")
    if overlays and is_version(first := minor(base.release)) and order_of(overlays[0].version) <= order_of(first):
        problem = f"The contract is that of {first}, which is not earlier than {overlays[0].version}."
        raise ContractError([overlays[0].file.finding(("extends",), problem, "Remove the overlay.")])
    return compose(base, overlays)


def overlays(path: Path, name: str | None = None, read_file: ReadFile = read_file) -> tuple[Overlay, ...]:
    """All overlays of a contract, oldest first. The arguments are those of `read`.

    :raises ContractError: they do not form one line of versions
    """
    return _Folder(path, name or bundling.shown_name(path), read_file, resolved).all()


def kinds(overlay: Overlay) -> Iterator[File]:
    """The kind files that an overlay lists, as they are written."""
    for template in overlay.file.document.get("x-kinds", {}).values():
        for name in template:
            shown = posixpath.normpath(PurePath(overlay.file.name).parent / name)
            yield read_file(resolved(overlay.file.path.parent / name), shown, "`path:`")


class _Folder:
    """The folder with the overlays of a contract. The arguments are those of `read`."""

    def __init__(self, path: Path, name: str, read_file: ReadFile, resolve: Resolve) -> None:
        self._read_file = read_file
        self._resolve = resolve
        self._root = self._target(path)
        self._path = self._target(self._root.parent / FOLDER)
        self._name = name
        self._known: dict[Path, Overlay] = {}

    def up_to(self, version: str) -> tuple[Overlay, ...]:
        """The overlays of a version, oldest first; empty if there is no overlay of this name.

        :raises ContractError: one is invalid, or they don't lead to the root
        """
        if not is_version(version) or not (path := self._path / f"{version}{SUFFIX}").is_file():
            return ()
        found = [self._overlay(path)]
        while (earlier := self._before(found[-1])) is not None:
            found.append(earlier)
        return tuple(reversed(found))

    def all(self) -> tuple[Overlay, ...]:
        """All overlays, oldest first. :raises ContractError: any is invalid, or extends what another one extends"""
        findings: list[Finding] = []
        extending: dict[Path, Overlay] = {}
        for path in sorted(self._path.glob("[!.]*")):
            try:
                overlay = self._overlay(path)
                self._before(overlay)
            except ContractError as error:
                findings += error.findings
                continue
            other = extending.setdefault(self._target(overlay.extended), overlay)
            if other is not overlay:
                problem = f"{overlay.extended.name} is extended by {other.file.name} already."
                findings.append(overlay.file.finding(("extends",), problem, "Name the version before this one."))
        if findings:
            raise ContractError(sorted(set(findings)))
        return tuple(sorted(self._known.values(), key=lambda overlay: order_of(overlay.version)))

    def _target(self, path: Path) -> Path:
        # A path that can't be resolved can't be read either, which is reported then.
        try:
            return self._resolve(path)
        except (OSError, ValueError):
            return path

    def _before(self, overlay: Overlay) -> Overlay | None:
        """The overlay that another one extends; None if it extends the root. :raises ContractError: it does neither"""
        path, shown = self._target(overlay.extended), overlay.file.document["extends"]
        if path == self._root:
            return None
        remedy = "Name the version before this one."
        if path.parent != self._path or not path.is_file():
            problem = f"{shown!r} is neither the contract nor an overlay beside this one."
            raise ContractError([overlay.file.finding(("extends",), problem, remedy)])
        earlier = self._overlay(path)
        if order_of(earlier.version) >= order_of(overlay.version):
            problem = f"{shown!r} is not earlier than {overlay.version}."
            raise ContractError([overlay.file.finding(("extends",), problem, remedy)])
        return earlier

    def _overlay(self, path: Path) -> Overlay:
        """Read an overlay. :raises ContractError: it is invalid"""
        if path not in self._known:
            name = str(PurePath(self._name).parent / FOLDER / path.name)
            if not is_version(path.name.removesuffix(SUFFIX)):
                problem, remedy = (
                    "The file is not named after a version.",
                    f"Name it as in `2024.10{SUFFIX}`, or move it.",
                )
                raise ContractError([Finding(Location(name, 1, 1), problem, remedy)])
            try:
                overlay = Overlay(self._read_file(path, name, BEGINNING))
            except OSError as error:
                problem = f"The overlay can't be read: {error.strerror}."
                raise ContractError(
                    [Finding(Location(name, 1, 1), problem, "Make it readable, or remove it.")]
                ) from error
            if findings := list(overlay.check()):
                raise ContractError(sorted(findings))
            self._known[path] = overlay
        return self._known[path]
