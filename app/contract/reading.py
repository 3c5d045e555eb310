"""Read one YAML file, and find where a part of it stands."""

import contextlib
import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from app.contract.findings import ContractError, Finding, Location
from app.contract.source import File, Pointer

_TEXT = "tag:yaml.org,2002:str"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """PyYAML in C, with YAML 1.2's scalars: `on` and `2024-08-01` are strings, as JSON has no other reading of them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


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
    start = Location(name, 1, 1)
    try:
        document = _construct(text, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Location(name, mark.line + 1, mark.column + 1) if mark else start
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise ContractError([Finding(where, f"This is not valid YAML: {problem}.", "Correct the syntax.")]) from error
    except RecursionError as error:
        raise ContractError(
            [Finding(start, "An alias contains itself.", "Use `$ref` for a recursive schema.")]
        ) from error
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise ContractError(
            [Finding(start, f"This is not valid YAML: {problem}.", "Save the file as UTF-8 text.")]
        ) from error
    if not isinstance(document, dict):
        raise ContractError([Finding(start, "The file is not a mapping.", f"Begin it with {beginning}.")])
    return File(path, name, text, document, cache(partial(_places, text)))


def _construct(text: bytes, name: str) -> Any:
    """The text as plain data; each alias is a copy of its anchor.

    :raises ContractError: a key stands twice in a mapping
    """
    findings: list[Finding] = []

    def construct(node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.tag == _TEXT else loader.construct_object(node)
        if isinstance(node, yaml.SequenceNode):
            return [construct(item) for item in node.value]
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(loader, key_node)
            if key in mapping:
                where = Location(name, *_mark(key_node))
                findings.append(Finding(where, f"The key {key!r} stands here twice.", "Remove one of them."))
            mapping[key] = construct(value_node)
        return mapping

    with _loading(text) as loader:
        node = loader.get_single_node()
        document = None if node is None else construct(node)
    if findings:
        raise ContractError(sorted(findings))
    return document


def _places(text: bytes) -> dict[Pointer, tuple[int, int]]:
    """Line and column of each part of a text that was read before: an alias's at its anchor."""
    places: dict[Pointer, tuple[int, int]] = {}

    def note(node: Any, pointer: Pointer) -> None:
        places.setdefault(pointer, _mark(node))
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                inner = (*pointer, _key(loader, key_node))
                places[inner] = _mark(key_node)
                note(value_node, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                note(item, (*pointer, index))

    with _loading(text) as loader:
        note(loader.get_single_node(), ())
    return places


@contextlib.contextmanager
def _loading(text: bytes) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        yield loader
    finally:
        loader.dispose()


def _key(loader: Any, node: Any) -> str:
    """A key as text: JSON has no others, and 200 is a usual way to write a response's code."""
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key is not a scalar", node.start_mark)
    return node.value if node.tag == _TEXT else str(loader.construct_object(node))


def _mark(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
