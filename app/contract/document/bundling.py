"""Bundle the files of a contract into one document.

The root is an OpenAPI document. Another file holds `paths`, path items under names of the author's choice, and sections of
components. Path items are inserted where the root references them, and components are added to the root's:
`all.yaml#/schemas/Stage` becomes `#/components/schemas/Stage`. The expansions of kind files below `x-kinds` are added as well.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.contract.document.contract import Contract, File, Pointer, is_path_item, parse_reference, part_at
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.document.kinds import MadeFile, made
from app.contract.document.reading import SECTIONS, Expand, FileReference, Reader, ReadFile, Resolve, finding_at
from app.contract.document.values import Part
from app.contract.document.yaml_file import read_file, resolved


def read(
    path: Path,
    name: str | None = None,
    read_file: ReadFile = read_file,
    resolve: Resolve = resolved,
    expand: Expand = made,
    overlays: Iterable[File] = (),
) -> Contract:
    """Read a contract: the root file and all files that it references.

    :param path: the root file
    :param name: the name of the root in messages, to which other names are relative; its path by default
    :param read_file: reads a file
    :param resolve: resolves the links of a path, as `resolved` does
    :param expand: expands a template for a kind file
    :param overlays: the overlays, whose kinds are read as well
    :raises ContractError: a file can't be read, or the files don't fit together
    """
    name = name or shown_name(path)
    try:
        root = read_file(resolve(path), name, "`openapi: 3.0.3`")
    except OSError as error:
        problem = f"The contract can't be read: {error.strerror}."
        raise ContractError([Finding(Location(name, 1, 1), problem, "Give the path of a readable file.")]) from error
    reader = Reader(root, read_file, resolve, expand, overlays)
    reader.read()
    return _Bundler(reader.files, reader.references).bundle()


def path_of(name: str) -> Path:
    """The path of a file from its name in messages."""
    return next((path for folder in _folders() if (path := folder / name).exists()), Path(name))


def _folders() -> tuple[Path, Path]:
    """The base folders of file names: the working directory, or the folder of this package."""
    return Path.cwd(), Path(__file__).parents[3]


def shown_name(path: Path) -> str:
    """The name of a path in messages: relative to a base folder if it lies below one, else as given."""
    for folder in _folders():
        with contextlib.suppress(ValueError, OSError):
            return str(resolved(path).relative_to(folder))
    return str(path)


class _Bundler:
    """Bundler of files.

    :param files: the files by path, root first
    :param references: the references of each file
    """

    def __init__(self, files: dict[Path, File], references: dict[File, list[FileReference]]) -> None:
        self._files = files
        self._references = references
        self._root, *self._further = files.values()
        self._findings: list[Finding] = []
        # By file and text of the reference: most are repeated many times.
        self._targets: dict[tuple[File, str], Part | None] = {}
        self._uses: dict[Part, set[Part]] = defaultdict(set)
        self._path_items: dict[Part, Part] = {}
        self._origins: dict[Pointer, Part] = {}

    def bundle(self) -> Contract:
        """The contract. :raises ContractError: the files don't fit together"""
        for file in self._files.values():
            for reference in self._references[file]:
                # Other references of the root to itself are checked with the whole document.
                local = file is self._root and reference.shown.startswith("#")
                if local and "%" in reference.shown:
                    reference.node[str(reference.pointer[-1])] = "#" + reference.fragment
                if not local or reference.of_path_item:
                    self._redirect(file, reference)
        document = dict(self._root.document)
        if isinstance(paths := document.get("paths"), dict):
            document["paths"] = {template: self._path_item(template) for template in paths}
        for file in self._further:
            if isinstance(file, MadeFile):
                self._add_made(document, file)
        document.pop("x-kinds", None)
        if self._further and isinstance(components := document.get("components", {}), dict):
            document["components"] = self._all_components(components)
        if not self._findings:
            self._find_unused()
        if self._findings:
            raise ContractError(sorted(set(self._findings)))
        return Contract(tuple(self._files.values()), document, self._origins)

    def _redirect(self, file: File, reference: FileReference) -> None:
        """Point a reference to the bundled part. The reference of a path item is kept and followed later."""
        place, node, shown, _, fragment = reference
        pointer, key, at = place[:-1], place[-1], (file, place)
        target = self._target(file, reference)
        if target is None:
            self._find(at, f"The reference {shown!r} has no target.", "Name a part of that file.")
            return
        self._uses[self._outermost((file, pointer))].add(self._outermost(target))
        if reference.of_path_item:
            for key in node.keys() - {"$ref"}:
                problem = f"The key {key!r} means nothing beside a `$ref`."
                self._find((file, (*pointer, key)), problem, "Move it to where the reference leads.")
            if is_path_item(target[1]):
                self._path_items[file, pointer] = target
            else:
                self._find(at, f"The reference {shown!r} names no path item.", "Name one: '<file>#/paths/<name>'.")
        elif target[0] is self._root:
            node[str(key)] = "#" + fragment
        elif target[1][0] in SECTIONS and len(target[1]) > 1:
            node[str(key)] = "#/components" + fragment
        else:
            self._find(at, f"The reference {shown!r} names no component.", "Name one: '<file>#/schemas/<name>'.")

    def _target(self, by: File, reference: FileReference) -> Part | None:
        """The target of a reference in a file, None if there is none."""
        named = by, reference.shown
        if named not in self._targets:
            file = self._files[reference.path]
            try:
                pointer = parse_reference("#" + reference.fragment)
                part_at(file.document, pointer)
                self._targets[named] = file, pointer
            except KeyError:
                self._targets[named] = None
        return self._targets[named]

    def _path_item(self, template: str) -> Any:
        """The path item of a path, all references followed."""
        part: Part = self._root, ("paths", template)
        followed = {part}
        while (target := self._path_items.get(part)) is not None:
            if target in followed:
                self._find((part[0], (*part[1], "$ref")), "The references are circular.", "Name a path item.")
                break
            followed.add(target)
            part = target
        file, place = part
        item = part_at(file.document, place)
        if len(followed) > 1 and isinstance(item, dict):
            self._origins.update({("paths", template, key): (file, (*place, key)) for key in item})
        return item

    def _add_made(self, document: dict[str, Any], file: MadeFile) -> None:
        """Add the paths and permissions that a template generated."""
        for section in ("paths", "x-permissions"):
            if not isinstance(added := file.document.get(section), dict):
                continue
            if not isinstance(document.setdefault(section, {}), dict):
                continue
            document[section] = dict(document[section])
            for name, part in added.items():
                if name in document[section]:
                    self._find((file, (section, name)), f"{name!r} is in the contract twice.", "Remove one of them.")
                document[section][name] = part
                self._origins[section, name] = file, (section, name)

    def _all_components(self, of_the_root: dict[str, Any]) -> dict[str, Any]:
        """The components of all files."""
        components = {key: dict(parts) if isinstance(parts, dict) else parts for key, parts in of_the_root.items()}
        for file in self._further:
            for section in (key for key in file.document if key in SECTIONS):
                named = components.setdefault(section, {})
                for name, component in file.document[section].items() if isinstance(named, dict) else ():
                    place: Pointer = ("components", section, name)
                    if name in named:
                        other, there = self._origins.get(place, (self._root, place))
                        problem = f"The name {name!r} is taken by the part at {other.locate(there)}."
                        self._find((file, (section, name)), problem, "Give each a name of its own.")
                    else:
                        named[name] = component
                        self._origins[place] = file, (section, name)
        return components

    def _find_unused(self) -> None:
        used: set[Part] = set()
        waiting: list[Part] = [(self._root, ())]
        for file in self._further:
            if isinstance(file, MadeFile):
                waiting += [(file, ("paths", path)) for path in file.document.get("paths", ())]
        while waiting:
            part = waiting.pop()
            if part not in used:
                used.add(part)
                waiting += self._uses[part]
        for file in self._further:
            for section, parts in file.document.items():
                for name in parts if section != "x-permissions" else ():
                    if (file, (section, name)) not in used:
                        self._find((file, (section, name)), f"Nothing refers to {name!r}.", "Remove it, or use it.")

    def _outermost(self, part: Part) -> Part:
        """The enclosing path item or component of a part; for the root, which is used whole, the root itself."""
        file, pointer = part
        return (file, ()) if file is self._root else (file, pointer[:2])

    def _find(self, part: Part, problem: str, remedy: str) -> None:
        self._findings.append(finding_at(part, problem, remedy))
