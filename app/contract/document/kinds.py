"""Kinds: kind files that a template expands to paths and components.

A template is a YAML file whose `document` holds paths and components with directives:

- `${names.one}` is a value: of the kind file, of the template, or of the enclosing loop;
- `$for name, property in properties:` repeats its content for each key of a mapping or item of a list;
- `$merge: [a, b]` merges mappings; later keys win.

`docs/contract.md` describes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from app.contract.document.contract import CONTAINERS, File, Pointer
from app.contract.document.expansion import Expansion, Written
from app.contract.document.expressions import is_directive
from app.contract.document.findings import ContractError, Location


@dataclass(frozen=True, eq=False)
class MadeFile(File):
    """The paths and components that a template generates from a kind file.

    :param written: locates the request and the text of each part
    """

    written: Callable[[], Mapping[Pointer, Written]]

    def locate(self, pointer: Pointer) -> Location:
        """Locate the part of the kind file that requested a part; if none did, its text in the template."""
        (file, place), _ = self._written(pointer)
        return file.locate(place)

    def locate_value(self, pointer: Pointer) -> Location:
        """Locate the text of a part."""
        _, (file, place) = self._written(pointer)
        return file.locate_value(place)

    def _written(self, pointer: Pointer) -> Written:
        written = self.written()
        while pointer not in written:
            pointer = pointer[:-1]
        return written[pointer]


class Template:
    """A template.

    :param file: its file
    """

    def __init__(self, file: File) -> None:
        self.file = file
        # Its parts, by identity, that need no expansion.
        self.plain: set[int] = set()
        self._find_plain(file.document)

    def _find_plain(self, node: Any) -> bool:
        """Whether a part needs no expansion; its own parts are examined as well."""
        if not isinstance(node, CONTAINERS):
            return not (isinstance(node, str) and "${" in node)
        inner = [self._find_plain(part) for part in (node.values() if isinstance(node, dict) else node)]
        plain = all(inner) and not any(is_directive(key) for key in (node if isinstance(node, dict) else ()))
        if plain:
            self.plain.add(id(node))
        return plain


def made(template: Template, kind: File) -> MadeFile:
    """Generate paths and components.

    :param kind: the kind file
    :raises ContractError: the template can't be used, or the kind file does not fit it
    """
    expansion = Expansion(template.file, template.plain, kind)
    document = expansion.document()
    findings = expansion.values.findings or list(expansion.values.unknown_keys())
    if findings:
        # A key that several places of the template need is reported once.
        raise ContractError(sorted({(one.location, one.problem): one for one in reversed(findings)}.values()))
    return MadeFile(kind.path, kind.name, kind.text, document, dict, cache(partial(_written, template, kind)))


def _written(template: Template, kind: File) -> Mapping[Pointer, Written]:
    expansion = Expansion(template.file, template.plain, kind)
    expansion.written = {}
    expansion.document()
    return expansion.written
