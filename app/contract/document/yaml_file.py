"""Read one YAML file."""

import errno
import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from app.contract.document.construction import construct, places
from app.contract.document.contract import File
from app.contract.document.findings import ContractError, Finding, Location


class FileMemory:
    """Cache of parsed files, invalidated by changes of the files."""

    def __init__(self) -> None:
        self._files: dict[Path, File] = {}
        self._texts: dict[Path, bytes | None] = {}
        # The resolved form of each path that was read.
        self._targets: dict[Path, Path] = {}

    def resolve(self, path: Path) -> Path:
        """Same as `resolved`."""
        # A path that can't be resolved now may be later.
        self._targets[path] = path
        self._targets[path] = target = resolved(path)
        return target

    def read_file(self, path: Path, name: str, beginning: str) -> File:
        """Same as the function of this name."""
        # Also for a file that can't be read, but may be later.
        self._texts[path] = None
        self._texts[path] = text = path.read_bytes()
        known = self._files.get(path)
        if known is None or (known.name, known.text) != (name, text):
            known = self._files[path] = parse(path, name, text, beginning)
        return known

    def begin(self) -> None:
        """Start to record which files are read."""
        self._texts, self._targets = {}, {}

    def end(self) -> None:
        """Discard the documents of files that were not read since `begin`."""
        self._files = {path: file for path, file in self._files.items() if path in self._texts}

    def outdated(self) -> bool:
        """Whether a file has changed since it was read, or a path has another target."""
        return any(_target_of(path) != target for path, target in self._targets.items()) or any(
            _text_of(path) != text for path, text in self._texts.items()
        )

    def read_so_far(self) -> tuple[dict[Path, bytes], dict[Path, Path]]:
        """The texts of the files, and the target of each path that was resolved."""
        return {path: text for path, text in self._texts.items() if text is not None}, dict(self._targets)

    def folders(self) -> frozenset[Path]:
        """The folders to watch for changes of the files: those of the files, and of the links to them."""
        return frozenset(folder for path in (*self._targets, *self._texts) for folder in _folders_to(path))


def resolved(path: Path) -> Path:
    """The target of a path, all links followed. :raises OSError: its links are circular"""
    try:
        return path.resolve()
    except RuntimeError as error:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error


def _target_of(path: Path) -> Path:
    try:
        return resolved(path)
    except OSError:
        return path


def _text_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _folders_to(path: Path) -> Iterator[Path]:
    """The existing folders of a file and of each link to it."""
    waiting = list(reversed(path.absolute().parts))
    folder = Path(waiting.pop())
    for _ in range(_STEPS):
        if not waiting:
            return
        part = waiting.pop()
        if part == "..":
            folder = folder.parent
        elif (inner := folder / part).is_symlink():
            yield folder
            target = inner.readlink()
            if target.is_absolute():
                folder = Path(target.anchor)
            waiting += reversed(target.relative_to(target.anchor).parts)
        elif waiting and inner.is_dir():
            folder = inner
        else:
            yield folder
            return


# The largest number of links and folders on the way to a file.
_STEPS = 1000


def read_file(path: Path, name: str, beginning: str) -> File:
    """Read a file.

    :param path: where the file is
    :param name: its name in messages
    :param beginning: the first key of such a file, for the message if it is not a mapping
    :raises OSError: it can't be read
    :raises ContractError: it is not a YAML mapping with unique keys
    """
    return parse(path, name, path.read_bytes(), beginning)


def parse(path: Path, name: str, text: bytes, beginning: str) -> File:
    """Parse the text of a file. The other arguments are those of `read_file`.

    :raises ContractError: it is not a YAML mapping with unique keys
    """
    document = construct(text, name)
    if not isinstance(document, dict):
        problem, remedy = "The file is not a mapping.", f"Begin it with {beginning}."
        raise ContractError([Finding(Location(name, 1, 1), problem, remedy)])
    return File(path, name, text, document, cache(partial(places, text)))
