"""Kinds: short files that a template turns into paths and components.

A template is a YAML file whose `document` holds paths and components with directives in them:

- `${names.one}` stands for a value: of the short file, of the template, or of the loop around it;
- `$for name, property in properties:` repeats what is below it, for each key of a mapping or each item of a list;
- `$merge: [a, b]` is one mapping of several, in which later keys win.

`docs/contract.md` describes them.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from app.contract.document.expressions import MERGE, Expression, Loop, Path, is_directive, loop_of, pieces_of
from app.contract.document.findings import ContractError, Finding, Location
from app.contract.document.source import CONTAINERS, File, Pointer

Part = tuple[File, Pointer]
"""A file and a place in it."""

Written = tuple[Part, Part]
"""The part of the short file that asked for something, and where that is written; the same part if that is the short file."""


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
    expansion = _Expansion(template, kind)
    document = expansion.document()
    findings = expansion.findings or list(expansion.unknown_keys())
    if findings:
        raise ContractError(sorted(set(findings)))
    return MadeFile(kind.path, kind.name, kind.text, document, dict, cache(partial(_written, template, kind)))


def _written(template: Template, kind: File) -> Mapping[Pointer, Written]:
    expansion = _Expansion(template, kind)
    expansion.written = {}
    expansion.document()
    return expansion.written


class _Found(NamedTuple):
    """A value that an expression stands for.

    :param part: where it stands
    :param asked: the part of the short file that chose it among others; None if it is always the same
    """

    value: Any
    part: Part
    asked: Part | None


class _Unfit(Exception):
    """Something that an expression needs is not there.

    :param finding: makes the finding, for which files are read once more
    :param unwritten: whether it is a key that the short file does not have, and may lack if the expression is optional
    """

    def __init__(self, finding: Callable[[], Finding], *, unwritten: bool) -> None:
        super().__init__()
        self.finding = finding
        self.unwritten = unwritten


_Scope = dict[str, _Found]
"""The values of the names of loops."""

_ABSENT: Any = object()


class _Expansion:
    """The expansion of a template for one short file.

    `findings` has what is wrong; `written`, if it is a mapping, gets where each part was asked for and is written.
    """

    def __init__(self, template: Template, kind: File) -> None:
        self._template = template.file
        self._plain = template.plain
        self._kind = kind
        # What a text outside of all loops stands for.
        self._known: dict[str, Any] = {}
        self._used: set[Pointer] = set()
        self._asked: dict[Pointer, dict[str, None]] = {}
        self.findings: list[Finding] = []
        self.written: dict[Pointer, Written] | None = None

    def document(self) -> dict[str, Any]:
        """The paths and components."""
        document = self._template.document.get("document")
        if not isinstance(document, dict):
            problem = "The template has no `document`."
            self.findings.append(
                self._template.finding((), problem, "Write `document:` with paths and schemas below it.")
            )
            return {}
        expanded: dict[str, Any] = self._expand(document, (self._template, ("document",)), None, {}, ())
        return expanded

    def unknown_keys(self, pointer: Pointer = (), node: Any = None) -> Iterator[Finding]:
        """The keys of the short file that the template makes nothing of."""
        for key, value in (self._kind.document if node is None else node).items():
            place = (*pointer, key)
            if place in self._used:
                continue
            if isinstance(value, dict) and any(used[: len(place)] == place for used in self._used):
                yield from self.unknown_keys(place, value)
            else:
                known = ", ".join(sorted(self._asked.get(pointer, ())))
                remedy = f"Use one of: {known}." if known else "Remove it."
                yield self._kind.finding(place, f"The key {key!r} has no meaning here.", remedy)

    def _expand(self, node: Any, part: Part, asked: Part | None, scope: _Scope, at: Pointer) -> Any:
        """Expand a part of the template.

        :param asked: the part of the short file that asked for it
        :param scope: the values of the loops around it
        :param at: where it goes in the document
        :returns: the part; `_ABSENT` if it stands for something optional that is not there
        """
        if isinstance(node, str):
            return self._text(node, part, asked, scope, at)
        if self.written is None and (not isinstance(node, CONTAINERS) or id(node) in self._plain):
            return _copied(node)
        self._note(at, asked or part, part)
        if not isinstance(node, CONTAINERS):
            return node
        file, pointer = part
        if isinstance(node, list):
            items: list[Any] = []
            for index, item in enumerate(node):
                self._add_item(items, item, (file, (*pointer, index)), asked, scope, at)
            return items if items or not node else _ABSENT
        mapping: dict[str, Any] = {}
        for key, value in node.items():
            self._add_entry(mapping, key, value, (file, (*pointer, key)), asked, scope, at)
        return mapping if mapping or not node else _ABSENT

    def _add_item(
        self, items: list[Any], item: Any, part: Part, asked: Part | None, scope: _Scope, at: Pointer
    ) -> None:
        loop = loop_of(next(iter(item))) if isinstance(item, dict) and len(item) == 1 else None
        if loop is None:
            expanded = self._expand(item, part, asked, scope, (*at, len(items)))
            if expanded is not _ABSENT:
                items.append(expanded)
            return
        key, body = next(iter(item.items()))
        inner = part[0], (*part[1], key)
        for within, entry in self._entries(loop, inner, scope):
            self._add_item(items, body, inner, entry or asked, within, at)

    def _add_entry(
        self,
        mapping: dict[str, Any],
        key: str,
        value: Any,
        part: Part,
        asked: Part | None,
        scope: _Scope,
        at: Pointer,
    ) -> None:
        file, pointer = part
        if (loop := loop_of(key)) is not None:
            for within, entry in self._entries(loop, part, scope):
                for inner, below in value.items():
                    self._add_entry(mapping, inner, below, (file, (*pointer, inner)), entry or asked, within, at)
        elif key == MERGE:
            for index, merged in enumerate(value):
                expanded = self._expand(merged, (file, (*pointer, index)), asked, scope, at)
                if isinstance(expanded, dict):
                    mapping.update(expanded)
        else:
            name = self._text(key, part, asked, scope, None)
            expanded = self._expand(value, part, asked, scope, (*at, name))
            if expanded is not _ABSENT:
                mapping[name] = expanded
                if name != key and self.written is not None and not scope:
                    self._text(key, part, asked, scope, (*at, name))

    def _entries(self, loop: Loop, part: Part, scope: _Scope) -> Iterator[tuple[_Scope, Part | None]]:
        """The scope of each turn of a loop, and the part of the short file that asks for the turn."""
        found = self._value(loop.expression, part, scope)
        if found is None:
            return
        file, pointer = found.part
        if not isinstance(found.value, CONTAINERS):
            problem = f"{loop.expression.text!r} is neither a list nor a mapping."
            self.findings.append(file.finding(pointer, problem, "Write one `- ` or one key for each."))
            return
        listed = isinstance(found.value, list)
        for key, value in enumerate(found.value) if isinstance(found.value, list) else found.value.items():
            entry = file, (*pointer, key)
            asked = entry if file is self._kind else found.asked
            within = {**scope, loop.name: _Found(value if listed else key, entry, asked)}
            if loop.value:
                within[loop.value] = _Found(value, entry, asked)
            yield within, asked

    def _text(self, text: str, part: Part, asked: Part | None, scope: _Scope, at: Pointer | None) -> Any:
        """Replace the expressions in a text. :param at: as for `_expand`; None if it is a key"""
        if scope or self.written is not None:
            return self._replaced(text, part, asked, scope, at)
        if text not in self._known:
            self._known[text] = self._replaced(text, part, asked, scope, at)
        return _copied(self._known[text])

    def _replaced(self, text: str, part: Part, asked: Part | None, scope: _Scope, at: Pointer | None) -> Any:
        pieces = pieces_of(text)
        if pieces is None:
            self._note(at, asked or part, part)
            return text
        if pieces == ():
            problem = f"{text!r} has an expression that can't be read."
            self.findings.append(part[0].finding(part[1], problem, "Write it as `${name}`, `${a.b}` or `${a[b]}`."))
            return text
        if len(pieces) == 1 and isinstance(pieces[0], Expression):
            found = self._value(pieces[0], part, scope)
            return _ABSENT if found is None else self._inserted(found, asked, scope, at)
        words, place = "", None
        for piece in pieces:
            if isinstance(piece, str):
                words += piece
                continue
            found = self._value(piece, part, scope)
            if found is None:
                return _ABSENT
            if isinstance(found.value, CONTAINERS) or found.value is None:
                problem, remedy = f"{piece.text!r} is not text.", "Write a text."
                self.findings.append(found.part[0].finding(found.part[1], problem, remedy))
            place = place or (found.part if found.part[0] is self._kind else None)
            words += str(found.value)
        self._note(at, place or asked or part, place or part)
        return words

    def _inserted(self, found: _Found, asked: Part | None, scope: _Scope, at: Pointer | None) -> Any:
        """A value in the place of an expression: that of the short file as it is, that of the template expanded."""
        if found.part[0] is self._kind:
            if self.written is None or at is None:
                return _copied(found.value)
            return self._placed(found.value, found.part, at)
        if at is None:
            return self._text(str(found.value), found.part, asked, scope, None)
        return self._expand(found.value, found.part, found.asked or asked, scope, at)

    def _placed(self, node: Any, part: Part, at: Pointer) -> Any:
        """The copy of a part of the short file, with its places."""
        self._note(at, part, part)
        file, pointer = part
        if isinstance(node, list):
            return [self._placed(item, (file, (*pointer, index)), (*at, index)) for index, item in enumerate(node)]
        if isinstance(node, dict):
            return {key: self._placed(value, (file, (*pointer, key)), (*at, key)) for key, value in node.items()}
        return node

    def _note(self, at: Pointer | None, asked: Part, part: Part) -> None:
        if self.written is not None and at is not None:
            self.written[at] = asked, part

    def _value(self, expression: Expression, part: Part, scope: _Scope) -> _Found | None:
        """The value of an expression; None if it is optional, or a finding says why there is none."""
        try:
            found = self._first(expression, part, scope)
        except _Unfit as unfit:
            if not (expression.optional and unfit.unwritten):
                self.findings.append(unfit.finding())
            return None
        if found.part[0] is self._kind:
            self._used.add(found.part[1])
        if expression.without and isinstance(found.value, dict):
            value = {key: inner for key, inner in found.value.items() if key not in expression.without}
            found = found._replace(value=value)
        return found

    def _first(self, expression: Expression, part: Part, scope: _Scope) -> _Found:
        """The value of the first alternative that has one. :raises _Unfit: none has"""
        *others, last = expression.alternatives
        for path in others:
            with contextlib.suppress(_Unfit):
                return self._followed(path, part, scope)
        return self._followed(last, part, scope)

    def _followed(self, path: Path, part: Part, scope: _Scope) -> _Found:
        """What a path leads to. :raises _Unfit: nothing"""
        found = self._named(path, part, scope)
        for step in path.steps:
            if isinstance(step, str):
                found = self._below(found, step, path, part)
            else:
                chosen = self._followed(step, part, scope)
                found = self._below(found, str(chosen.value), path, part, chosen.part)
        return found

    def _named(self, path: Path, part: Part, scope: _Scope) -> _Found:
        """What a name stands for: in a loop, in the template, in the short file."""
        if path.name in scope:
            return scope[path.name]
        if path.name not in self._template.document:
            return self._below(_Found(self._kind.document, (self._kind, ()), None), path.name, path, part)
        value, there = self._template.document[path.name], (self._template, (path.name,))
        if path.steps and isinstance(value, str) and (pieces := pieces_of(value)) and isinstance(pieces[0], Expression):
            return self._first(pieces[0], there, scope)
        return _Found(value, there, None)

    def _below(self, found: _Found, key: str, path: Path, part: Part, chosen: Part | None = None) -> _Found:
        """The value of a key.

        :param part: where the path is written
        :param chosen: what has chosen the key; None if it is always the same
        :raises _Unfit: there is no such key
        """
        file, pointer = found.part
        if file is self._kind:
            self._asked.setdefault(pointer, {})[key] = None
        if isinstance(found.value, dict) and key in found.value:
            asked = chosen if chosen is not None and chosen[0] is self._kind else found.asked
            return _Found(found.value[key], (file, (*pointer, key)), asked)
        unwritten = chosen is None and file is self._kind
        raise _Unfit(lambda: self._missing(found, key, path, part, chosen), unwritten=unwritten)

    def _missing(self, found: _Found, key: str, path: Path, part: Part, chosen: Part | None) -> Finding:
        """What is wrong if there is no such key. The arguments are those of `_below`."""
        file, pointer = found.part
        if chosen is not None:
            known = ", ".join(found.value) if isinstance(found.value, dict) else ""
            remedy = f"Use one of: {known}." if known else "Remove it."
            return chosen[0].finding(chosen[1], f"{key!r} is not in `{'.'.join(map(str, pointer))}`.", remedy)
        if file is self._kind:
            needed = part[0].locate_value(part[1])
            return file.finding(pointer, f"The key {key!r} is missing.", f"Write it, as {needed} uses it.")
        if found.asked is not None:
            problem = f"`{'.'.join(map(str, pointer))}` has no {key!r}, which {part[0].locate_value(part[1])} uses."
            return found.asked[0].finding(found.asked[1], problem, "Use another one.")
        return part[0].finding(part[1], f"{path.text!r} leads to nothing.", "Correct the expression.")


def _copied(node: Any) -> Any:
    """A copy of plain data: what is made of the files writes into it."""
    if isinstance(node, list):
        return [_copied(item) for item in node]
    if isinstance(node, dict):
        return {key: _copied(value) for key, value in node.items()}
    return node
