"""Read one YAML file."""

from functools import cache, partial
from pathlib import Path

from app.contract.construction import construct, places
from app.contract.findings import ContractError, Finding, Location
from app.contract.source import File


class FileMemory:
    """Reads files, and makes documents only of those that have changed since it did so last."""

    def __init__(self) -> None:
        self._files: dict[Path, File] = {}
        self._texts: dict[Path, bytes | None] = {}

    def read_file(self, path: Path, name: str, beginning: str) -> File:
        """The same as the function of this name."""
        # For a file that can't be read, and may be there later.
        self._texts[path] = None
        self._texts[path] = text = path.read_bytes()
        known = self._files.get(path)
        if known is None or (known.name, known.text) != (name, text):
            known = self._files[path] = parse(path, name, text, beginning)
        return known

    def begin(self) -> None:
        """Forget which files were asked for."""
        self._texts = {}

    def end(self) -> None:
        """Forget the documents of files that were not asked for since the beginning."""
        self._files = {path: file for path, file in self._files.items() if path in self._texts}

    def outdated(self) -> bool:
        """Whether any file that was asked for since the beginning holds something else now."""
        return any(_text_of(path) != text for path, text in self._texts.items())


def _text_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def read_file(path: Path, name: str, beginning: str) -> File:
    """Read a file.

    :param path: where the file is
    :param name: what messages call it
    :param beginning: what a file of its kind begins with, for the message if it is no mapping
    :raises OSError: it can't be read
    :raises ContractError: it is no YAML mapping with unique keys
    """
    return parse(path, name, path.read_bytes(), beginning)


def parse(path: Path, name: str, text: bytes, beginning: str) -> File:
    """The same of a file that holds a text.

    :raises ContractError: it is no YAML mapping with unique keys
    """
    document = construct(text, name)
    if not isinstance(document, dict):
        problem, remedy = "The file is not a mapping.", f"Begin it with {beginning}."
        raise ContractError([Finding(Location(name, 1, 1), problem, remedy)])
    return File(path, name, text, document, cache(partial(places, text)))
