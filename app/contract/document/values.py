"""Evaluation of expressions in loops, templates and kind files."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from app.contract.document.contract import File, Pointer
from app.contract.document.expressions import Expression, Path, pieces_of
from app.contract.document.findings import Finding, did_you_mean

Part = tuple[File, Pointer]
"""A file and a pointer in it."""


class Found(NamedTuple):
    """The value of an expression.

    :param part: its location
    :param asked: the part of the kind file that selected it; None if it is constant
    """

    value: Any
    part: Part
    asked: Part | None


class _Unfit(Exception):
    """Missing operand of an expression.

    :param finding: creates the finding, for which files are read once more
    :param unwritten: whether an optional expression permits it: a key of the kind file, or of what that selects, is missing
    """

    def __init__(self, finding: Callable[[], Finding], *, unwritten: bool) -> None:
        super().__init__()
        self.finding = finding
        self.unwritten = unwritten


Scope = dict[str, Found]
"""The variables of loops."""


class Values:
    """Evaluator of a template's expressions for one kind file.

    `findings` has its findings.
    """

    def __init__(self, template: File, kind: File) -> None:
        self._template = template
        self._kind = kind
        self._used: set[Pointer] = set()
        self._asked: dict[Pointer, dict[str, None]] = {}
        self._open: list[str] = []
        # The values of the template's names, except those that depend on a loop.
        self._constant: dict[str, Found] = {}
        self._looped = False
        self.findings: list[Finding] = []

    def unknown_keys(self, pointer: Pointer = (), node: Any = None) -> Iterator[Finding]:
        """Find the keys of the kind file that the template does not use."""
        for key, value in (self._kind.document if node is None else node).items():
            place = (*pointer, key)
            if place in self._used:
                continue
            if isinstance(value, dict) and any(used[: len(place)] == place for used in self._used):
                yield from self.unknown_keys(place, value)
            else:
                asked = sorted(self._asked.get(pointer, ()))
                otherwise = f"Use one of: {', '.join(asked)}." if asked else "Remove it."
                remedy = did_you_mean(str(key), asked, otherwise)
                yield self._kind.finding(place, f"The key {key!r} has no meaning here.", remedy)

    def find(self, part: Part, problem: str, remedy: str) -> None:
        """Add a finding."""
        file, pointer = part
        self.findings.append(file.finding(pointer, problem, remedy))

    def value(self, expression: Expression, part: Part, scope: Scope) -> Found | None:
        """Evaluate an expression; None if it is optional and missing, or has a finding."""
        try:
            found = self._first(expression, part, scope)
        except _Unfit as unfit:
            if not (expression.optional and unfit.unwritten):
                self.findings.append(unfit.finding())
            return None
        self._use(found)
        if expression.without:
            if not isinstance(found.value, dict):
                self.find(found.part, f"{expression.text!r} is not a mapping.", "Write keys with their values.")
                return None
            value = {key: inner for key, inner in found.value.items() if key not in expression.without}
            found = found._replace(value=value)
        return found

    def holds(self, path: Path, part: Part, scope: Scope) -> bool:
        """Whether a path has a true value."""
        with contextlib.suppress(_Unfit):
            found = self._followed(path, part, scope)
            self._use(found)
            return bool(found.value)
        return False

    def _use(self, found: Found) -> None:
        if found.part[0] is self._kind:
            self._used.add(found.part[1])

    def _first(self, expression: Expression, part: Part, scope: Scope) -> Found:
        """The first alternative with a value. :raises _Unfit: there is none"""
        *others, last = expression.alternatives
        for path in others:
            with contextlib.suppress(_Unfit):
                return self._followed(path, part, scope)
        return self._followed(last, part, scope)

    def _followed(self, path: Path, part: Part, scope: Scope) -> Found:
        """The value of a path. :raises _Unfit: there is none"""
        found = self._named(path, part, scope)
        for step in path.steps:
            if isinstance(step, str):
                found = self._below(found, step, path, part)
            else:
                chosen = self._followed(step, part, scope)
                self._use(chosen)
                found = self._below(found, str(chosen.value), path, part, chosen.part)
        return found

    def _named(self, path: Path, part: Part, scope: Scope) -> Found:
        """Look up a name in the loops, the template and the kind file."""
        if path.name in scope:
            self._looped = True
            return scope[path.name]
        if path.name not in self._template.document:
            return self._below(Found(self._kind.document, (self._kind, ()), None), path.name, path, part)
        value, there = self._template.document[path.name], (self._template, (path.name,))
        if path.steps and isinstance(value, str) and (pieces := pieces_of(value)) and isinstance(pieces[0], Expression):
            return self._aliased(path.name, pieces[0], there, scope)
        return Found(value, there, None)

    def _aliased(self, name: str, expression: Expression, part: Part, scope: Scope) -> Found:
        """The value of a name that the template defines by an expression."""
        if name in self._constant:
            return self._constant[name]
        if name in self._open:
            file, pointer = part
            raise _Unfit(
                lambda: file.finding(pointer, f"{name!r} stands for itself.", "Name a value."), unwritten=False
            )
        self._open.append(name)
        around, self._looped = self._looped, False
        try:
            found = self._first(expression, part, scope)
            if not self._looped:
                self._constant[name] = found
            return found
        finally:
            self._looped |= around
            self._open.pop()

    def _below(self, found: Found, key: str, path: Path, part: Part, chosen: Part | None = None) -> Found:
        """The value of a key.

        :param part: the location of the path
        :param chosen: the part that selected the key; None if it is constant
        :raises _Unfit: there is no such key
        """
        file, pointer = found.part
        if file is self._kind:
            self._asked.setdefault(pointer, {})[key] = None
        if isinstance(found.value, dict) and key in found.value:
            asked = chosen if chosen is not None and chosen[0] is self._kind else found.asked
            return Found(found.value[key], (file, (*pointer, key)), asked)
        unwritten = chosen is None and (file is self._kind or found.asked is not None)
        raise _Unfit(lambda: self._missing(found, key, path, part, chosen), unwritten=unwritten)

    def _missing(self, found: Found, key: str, path: Path, part: Part, chosen: Part | None) -> Finding:
        """The finding for a missing key. The arguments are those of `_below`."""
        file, pointer = found.part
        if chosen is not None:
            known = ", ".join(found.value) if isinstance(found.value, dict) else ""
            remedy = did_you_mean(key, found.value, f"Use one of: {known}.") if known else "Remove it."
            return chosen[0].finding(chosen[1], f"{key!r} is not in `{'.'.join(map(str, pointer))}`.", remedy)
        if file is self._kind:
            needed = part[0].locate_value(part[1])
            return file.finding(pointer, f"The key {key!r} is missing.", f"Write it, as {needed} uses it.")
        if found.asked is not None:
            problem = f"`{'.'.join(map(str, pointer))}` has no {key!r}, which {part[0].locate_value(part[1])} uses."
            return found.asked[0].finding(found.asked[1], problem, "Use another one.")
        return part[0].finding(part[1], f"{path.text!r} leads to nothing.", "Correct the expression.")
