"""Template expansion: loops, merged mappings, and expressions in texts."""

from collections.abc import Iterable, Iterator, Set
from typing import Any

from app.contract.document.contract import CONTAINERS, File, Pointer
from app.contract.document.expressions import MERGE, Expression, Loop, condition_of, is_directive, loop_of, pieces_of
from app.contract.document.findings import ContractError
from app.contract.document.values import Found, Part, Scope, Values

Written = tuple[Part, Part]
"""The part of the kind file that requested something, and the location of its text; the same if that is the kind file."""

# Limits of the mappings and lists made from a kind file, and of nested expressions.
_LARGEST, _DEEPEST = 100_000, 40

_ABSENT: Any = object()


class Expansion:
    """The expansion of a template for one kind file.

    :param plain: the parts of the template, by identity, that need no expansion

    `values` evaluates expressions and has the findings. `written`, if it is a mapping, gets for each part the location that
    requested it and the location of its text.
    """

    def __init__(self, template: File, plain: Set[int], kind: File) -> None:
        self._template = template
        self._plain = plain
        self._kind = kind
        # The values of texts outside of all loops.
        self._known: dict[str, Any] = {}
        self._size = self._depth = 0
        self.values = Values(template, kind)
        self.written: dict[Pointer, Written] | None = None

    def document(self) -> dict[str, Any]:
        """The paths and components."""
        document = self._template.document.get("document")
        if not isinstance(document, dict):
            problem = "The template has no `document`."
            self.values.find((self._template, ()), problem, "Write `document:` with paths and schemas below it.")
            return {}
        expanded: dict[str, Any] = self._expand(document, (self._template, ("document",)), None, {}, ())
        return expanded

    def _expand(self, node: Any, part: Part, asked: Part | None, scope: Scope, at: Pointer) -> Any:
        """Expand a part of the template.

        :param asked: the part of the kind file that requested it
        :param scope: the variables of the enclosing loops
        :param at: its pointer in the document
        :returns: the part; `_ABSENT` if it is optional and missing
        """
        if isinstance(node, str):
            if self.written is None and "${" not in node:
                return node
            return self._text(node, part, asked, scope, at)
        if self.written is None and (not isinstance(node, CONTAINERS) or id(node) in self._plain):
            return _copied(node)
        self._note(at, asked or part, part)
        if not isinstance(node, CONTAINERS):
            return node
        file, pointer = part
        self._size += 1
        self._limit(part)
        if isinstance(node, list):
            items: list[Any] = []
            for index, item in enumerate(node):
                self._add_item(items, item, (file, (*pointer, index)), asked, scope, at)
            return items if items or not node else _ABSENT
        mapping: dict[str, Any] = {}
        for key, value in node.items():
            self._add_entry(mapping, key, value, (file, (*pointer, key)), asked, scope, at)
        return mapping if mapping or not node else _ABSENT

    def _add_item(self, items: list[Any], item: Any, part: Part, asked: Part | None, scope: Scope, at: Pointer) -> None:
        key, body = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else ("", None)
        inner = part[0], (*part[1], key)
        if not is_directive(key) or (scopes := self._scopes(key, inner, asked, scope)) is None:
            expanded = self._expand(item, part, asked, scope, (*at, len(items)))
            if expanded is not _ABSENT:
                items.append(expanded)
            return
        for within, entry in scopes:
            self._add_item(items, body, inner, entry, within, at)

    def _add_entry(
        self,
        mapping: dict[str, Any],
        key: str,
        value: Any,
        part: Part,
        asked: Part | None,
        scope: Scope,
        at: Pointer,
    ) -> None:
        file, pointer = part
        if not is_directive(key):
            self._add_value(mapping, key, value, part, asked, scope, at)
        elif (scopes := self._scopes(key, part, asked, scope)) is not None:
            if not isinstance(value, dict):
                self.values.find(part, f"There is no mapping below {key!r}.", "Write keys with their values.")
                return
            for within, entry in scopes:
                for inner, below in value.items():
                    self._add_entry(mapping, inner, below, (file, (*pointer, inner)), entry, within, at)
        elif key == MERGE:
            self._merge(mapping, value, part, asked, scope, at)
        elif key.startswith("$for"):
            self.values.find(part, f"{key!r} is not a loop.", "Write it as `$for name in names:`.")
        elif key.startswith(("$if", "$unless")):
            self.values.find(part, f"{key!r} is not a condition.", "Write it as `$if name:` or `$unless name:`.")
        elif not isinstance(name := self._text(key, part, asked, scope, None), str):
            if name is not _ABSENT:
                self.values.find(part, f"{key!r} does not stand for text.", "Let it stand for a text.")
        else:
            self._add_value(mapping, name, value, part, asked, scope, at)
            if name in mapping and name != key and self.written is not None and not scope:
                self._text(key, part, asked, scope, (*at, name))

    def _add_value(
        self,
        mapping: dict[str, Any],
        name: str,
        value: Any,
        part: Part,
        asked: Part | None,
        scope: Scope,
        at: Pointer,
    ) -> None:
        expanded = self._expand(value, part, asked, scope, (*at, name))
        if expanded is not _ABSENT:
            mapping[name] = expanded

    def _scopes(
        self, key: str, part: Part, asked: Part | None, scope: Scope
    ) -> Iterable[tuple[Scope, Part | None]] | None:
        """The scopes for what is below a loop or a condition, each with the part that requested it; None for another key."""
        if (loop := loop_of(key)) is not None:
            return ((within, entry or asked) for within, entry in self._entries(loop, part, scope))
        if (condition := condition_of(key)) is not None:
            return ((scope, asked),) if self.values.holds(condition.path, part, scope) == condition.wanted else ()
        return None

    def _merge(
        self, mapping: dict[str, Any], merged: Any, part: Part, asked: Part | None, scope: Scope, at: Pointer
    ) -> None:
        if not isinstance(merged, list):
            self.values.find(part, f"There is no list below {MERGE!r}.", "Write one `- ` for each mapping.")
            return
        file, pointer = part
        for index, item in enumerate(merged):
            inner = file, (*pointer, index)
            expanded = self._expand(item, inner, asked, scope, at)
            if isinstance(expanded, dict):
                mapping.update(expanded)
            elif expanded is not _ABSENT:
                self.values.find(
                    inner, "This is not a mapping.", "Write a mapping, or an expression that stands for one."
                )

    def _entries(self, loop: Loop, part: Part, scope: Scope) -> Iterator[tuple[Scope, Part | None]]:
        """The scope of each iteration of a loop, and the part of the kind file that requested it."""
        found = self.values.value(loop.expression, part, scope)
        if found is None:
            return
        file, pointer = found.part
        if not isinstance(found.value, CONTAINERS):
            problem = f"{loop.expression.text!r} is neither a list nor a mapping."
            self.values.find(found.part, problem, "Write one `- ` or one key for each.")
            return
        listed = isinstance(found.value, list)
        for key, value in enumerate(found.value) if isinstance(found.value, list) else found.value.items():
            entry = file, (*pointer, key)
            asked = entry if file is self._kind else found.asked
            within = {**scope, loop.name: Found(value if listed else key, entry, asked)}
            if loop.value:
                within[loop.value] = Found(value, entry, asked)
            if loop.unless is None or not self.values.holds(loop.unless, part, within):
                yield within, asked

    def _text(self, text: str, part: Part, asked: Part | None, scope: Scope, at: Pointer | None) -> Any:
        """Evaluate the expressions in a text. :param at: as for `_expand`; None for a key"""
        if scope or self.written is not None:
            return self._replaced(text, part, asked, scope, at)
        if text not in self._known:
            self._known[text] = self._replaced(text, part, asked, scope, at)
        return _copied(self._known[text])

    def _replaced(self, text: str, part: Part, asked: Part | None, scope: Scope, at: Pointer | None) -> Any:
        pieces = pieces_of(text)
        if pieces is None:
            self._note(at, asked or part, part)
            return text
        if pieces == ():
            problem = f"{text!r} has an expression that can't be read."
            self.values.find(part, problem, "Write it as `${name}`, `${a.b}` or `${a[b]}`.")
            return text
        if len(pieces) == 1 and isinstance(pieces[0], Expression):
            found = self.values.value(pieces[0], part, scope)
            return _ABSENT if found is None else self._inserted(found, asked, scope, at)
        words, place = "", None
        for piece in pieces:
            if isinstance(piece, str):
                words += piece
                continue
            found = self.values.value(piece, part, scope)
            if found is None:
                return _ABSENT
            word = self._inserted(found, asked, scope, None)
            if not _is_word(word):
                self.values.find(found.part, f"{piece.text!r} is not text.", "Write a text.")
            place = place or (found.part if found.part[0] is self._kind else None)
            words += str(word)
        self._note(at, place or asked or part, place or part)
        return words

    def _inserted(self, found: Found, asked: Part | None, scope: Scope, at: Pointer | None) -> Any:
        """The value of an expression: from the kind file unchanged, from the template expanded."""
        if found.part[0] is self._kind:
            if self.written is None or at is None:
                return _copied(found.value)
            return self._placed(found.value, found.part, at)
        self._depth += 1
        self._limit(found.part)
        try:
            if isinstance(found.value, str):
                return self._text(found.value, found.part, found.asked or asked, scope, at)
            return found.value if at is None else self._expand(found.value, found.part, found.asked or asked, scope, at)
        finally:
            self._depth -= 1

    def _limit(self, part: Part) -> None:
        """Stop an infinite expansion. :raises ContractError: it has too many parts"""
        if self._size > _LARGEST or self._depth > _DEEPEST:
            file, pointer = part
            problem = "The expansion is too large, or has no end."
            remedy = "Let no expression refer to a part that contains it."
            raise ContractError([file.finding(pointer, problem, remedy)])

    def _placed(self, node: Any, part: Part, at: Pointer) -> Any:
        """Copy a part of the kind file, with its locations."""
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


def _is_word(value: Any) -> bool:
    """Whether a value may be inserted into a text."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _copied(node: Any) -> Any:
    """Copy plain data: bundling modifies it."""
    if isinstance(node, list):
        return [_copied(item) for item in node]
    if isinstance(node, dict):
        return {key: _copied(value) for key, value in node.items()}
    return node
