"""Kinds: short files that a template turns into paths and components.

A template is a YAML file whose `document` holds paths and components with directives in them:

- `${names.one}` stands for a value: of the short file, of the template, or of the loop around it;
- `$for name, property in properties:` repeats what is below it, for each key of a mapping or each item of a list;
- `$merge: [a, b]` is one mapping of several, in which later keys win.

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
    """The paths and components that a template makes of a short file.

    :param written: finds where each part was asked for, and where it is written
    """

    written: Callable[[], Mapping[Pointer, Written]]

    def locate(self, pointer: Pointer) -> Location:
        """The place in the short file that asked for a part; that in the template if the part stands in each document."""
        (file, place), _ = self._written(pointer)
        return file.locate(place)

    def locate_value(self, pointer: Pointer) -> Location:
        """The place at which a part is written."""
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
        # Parts of it, by identity, in which there is nothing to expand.
        self.plain: set[int] = set()
        self._find_plain(file.document)

    def _find_plain(self, node: Any) -> bool:
        """Whether there is nothing to expand in a part; the parts of it are looked at as well."""
        if not isinstance(node, CONTAINERS):
            return not (isinstance(node, str) and "${" in node)
        inner = [self._find_plain(part) for part in (node.values() if isinstance(node, dict) else node)]
        plain = all(inner) and not any(is_directive(key) for key in (node if isinstance(node, dict) else ()))
        if plain:
            self.plain.add(id(node))
        return plain


def made(template: Template, kind: File) -> MadeFile:
    """Make paths and components.

    :param kind: the short file
    :raises ContractError: the template can't be used, or the short file does not fit it
    """
    expansion = Expansion(template.file, template.plain, kind)
    document = expansion.document()
    findings = expansion.values.findings or list(expansion.values.unknown_keys())
    if findings:
        # What several places of the template need is told once.
        raise ContractError(sorted({(one.location, one.problem): one for one in reversed(findings)}.values()))
    return MadeFile(kind.path, kind.name, kind.text, document, dict, cache(partial(_written, template, kind)))


def _written(template: Template, kind: File) -> Mapping[Pointer, Written]:
    expansion = Expansion(template.file, template.plain, kind)
    expansion.written = {}
    expansion.document()
    return expansion.written
