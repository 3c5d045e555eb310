"""Read the files of a contract: the root, the files it references, and kind files with their templates."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote

from app.contract.document.contract import File, Pointer, is_path_item
from app.contract.document.findings import ContractError, Finding, did_you_mean
from app.contract.document.kinds import MadeFile, Template, made
from app.contract.document.values import Part

SECTIONS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks")
"""The sections of components that can be referenced (OpenAPI 3.0.3, "Components Object")."""

ReadFile = Callable[[Path, str, str], File]
"""Reads a file, as `read_file` does."""

Resolve = Callable[[Path], Path]
"""Resolves the links of a path, as `resolved` does."""

Expand = Callable[[Template, File], MadeFile]
"""Expands a template for a kind file, as `made` does."""


class FileReference(NamedTuple):
    """A reference in a file.

    :param pointer: the pointer of its text, a `$ref` or an entry of a discriminator's mapping
    :param node: the object that holds the text
    :param shown: the text
    :param path: the file that it names
    :param fragment: the part of that file that it names
    """

    pointer: Pointer
    node: dict[str, Any]
    shown: str
    path: Path
    fragment: str

    @property
    def of_path_item(self) -> bool:
        """Whether it is the reference of a path item."""
        return self.pointer[-1] == "$ref" and is_path_item(self.pointer[:-1])


class Reader:
    """Reader of a root and all files that it references, directly or not.

    :param root: the root file
    :param read_file: reads a file
    :param resolve: resolves the links of a path
    :param expand: expands a template for a kind file
    :param overlays: the overlays, whose kinds are read as well

    `files` has all of them by path, root first; `references` has their references.
    """

    def __init__(
        self,
        root: File,
        read_file: ReadFile,
        resolve: Resolve,
        expand: Expand = made,
        overlays: Iterable[File] = (),
    ) -> None:
        self._root = root
        self._listing = (root, *overlays)
        self._templates: dict[Path, Template | None] = {}
        self._read_file = read_file
        self._follow = resolve
        self._expand = expand
        self._findings: list[Finding] = []
        self.files = {root.path: root}
        self.references: dict[File, list[FileReference]] = {}

    def read(self) -> None:
        """Read all files. :raises ContractError: one is invalid"""
        unusable: set[Path] = set()
        waiting = deque([self._root, *self._kinds()])
        while waiting:
            file = waiting.popleft()
            paths: dict[str, Path] = {"": file.path}
            self.references[file] = []
            for pointer, node, shown in file.references:
                # A reference is a URI, in which some characters are percent-encoded (RFC 6901, section 6).
                name, _, fragment = unquote(shown).partition("#")
                known = paths.get(name)
                path = paths[name] = known or self._resolve(file.path.parent / name)
                self.references[file].append(FileReference(pointer, node, shown, path, fragment))
                if known is None and path not in self.files and path not in unusable:
                    further = self._read_further(path, name, (file, pointer), "`paths:` or `schemas:`")
                    if further is None:
                        unusable.add(path)
                    else:
                        self._check_form(further)
                        self.files[path] = further
                        waiting.append(further)
        if self._findings:
            raise ContractError(sorted(self._findings))

    def _kinds(self) -> Iterator[File]:
        """The expansions of the kind files of the root and the overlays."""
        for listing in self._listing:
            kinds = listing.document.get("x-kinds", {})
            for name, shown in kinds.items() if isinstance(kinds, dict) else [("", None)]:
                place: Pointer = ("x-kinds", name) if name else ("x-kinds",)
                if not isinstance(shown, list):
                    problem = "The kind files are not listed."
                    self._find((listing, place), problem, "Write them as `template: [files]`.")
                    continue
                template = self._template(name, (listing, place))
                for index, further in enumerate(shown if template is not None else ()):
                    kind = self._named(further, (listing, (*place, index)), f"the keys that {name} uses")
                    if kind is not None and template is not None:
                        yield from self._made(template, kind)

    def _template(self, name: str, named_by: Part) -> Template | None:
        path = self._resolve(named_by[0].path.parent / name)
        if path not in self._templates:
            file = self._named(name, named_by, "`document:`")
            self._templates[path] = None if file is None else Template(file)
            if file is not None:
                # No part of the document comes from it unchanged.
                self.files[file.path] = empty = replace(file, document={})
                self.references[empty] = []
        return self._templates[path]

    def _named(self, name: Any, named_by: Part, beginning: str) -> File | None:
        path = self._resolve(named_by[0].path.parent / str(name))
        if path in self.files:
            self._find(named_by, f"The file {name!r} is a duplicate.", "Remove it from one place.")
            return None
        return self._read_further(path, str(name), named_by, beginning)

    def _made(self, template: Template, kind: File) -> Iterator[File]:
        try:
            self.files[kind.path] = file = self._expand(template, kind)
        except ContractError as error:
            self._findings += error.findings
        else:
            self._check_form(file)
            yield file

    def _resolve(self, path: Path) -> Path:
        # A path that can't be resolved can't be read either, which is reported then.
        try:
            return self._follow(path)
        except (OSError, ValueError):
            return path

    def _read_further(self, path: Path, shown: str, named_by: Part, beginning: str) -> File | None:
        folder = self._root.path.parent
        if not path.is_relative_to(folder):
            problem = f"The file {shown!r} is outside of the contract's folder."
            self._find(named_by, problem, "Move it to the folder of the first file, or below.")
            return None
        try:
            name = str(PurePath(self._root.name).parent / path.relative_to(folder))
            file = self._read_file(path, name, beginning)
        except ContractError as error:
            self._findings += error.findings
            return None
        except (OSError, ValueError) as error:
            # No path can have a null character.
            problem = f"The file {shown!r} can't be read: {error.strerror if isinstance(error, OSError) else error}."
            self._find(named_by, problem, "Correct the reference, or write the file.")
            return None
        return file

    def _check_form(self, file: File) -> None:
        known = ("paths", *SECTIONS, *(("x-permissions",) if isinstance(file, MadeFile) else ()))
        for key, section in file.document.items():
            if key not in known:
                problem = f"The key {key!r} has no meaning at the top of this file."
                self._find((file, (key,)), problem, did_you_mean(key, known, f"Use one of: {', '.join(known)}."))
            elif not isinstance(section, dict):
                self._find((file, (key,)), f"{key!r} is not a mapping.", "Put each part under a name.")

    def _find(self, part: Part, problem: str, remedy: str) -> None:
        self._findings.append(finding_at(part, problem, remedy))


def finding_at(part: Part, problem: str, remedy: str) -> Finding:
    """A finding at a part of a file."""
    file, pointer = part
    return file.finding(pointer, problem, remedy)
