"""Expressions of templates: `${names.one}`, `${types[property.type]}`, `${a | b}`, `${a without b}`, `${a?}`."""

import re
from dataclasses import dataclass
from functools import lru_cache

MERGE = "$merge"
"""The key of a list of mappings to merge."""

_NAME = r"[A-Za-z_][\w-]*"
_IN_TEXT = re.compile(r"\$\{([^{}]*)\}")
_LOOP = re.compile(rf"\$for ({_NAME})(?:, ({_NAME}))? in (.+?)(?: unless (\S+))?")
_CONDITION = re.compile(r"\$(if|unless) (\S+)")
_FORM = re.compile(rf"(?P<paths>.+?)(?: without (?P<without>{_NAME}(?:, *{_NAME})*))?(?P<optional>\?)?")


@dataclass(frozen=True)
class Path:
    """Path to a value: a name, and keys below it. A key that is itself a path is evaluated.

    :param text: the source text
    """

    name: str
    steps: "tuple[str | Path, ...]"
    text: str


@dataclass(frozen=True)
class Expression:
    """An expression.

    :param alternatives: the paths, tried in order
    :param without: the keys to omit from a mapping
    :param optional: whether the value may be missing
    :param text: the source text
    """

    alternatives: tuple[Path, ...]
    without: tuple[str, ...]
    optional: bool
    text: str


@dataclass(frozen=True)
class Loop:
    """A loop.

    :param name: the variable for an item of the list, or a key of the mapping
    :param value: the variable for the key's value; empty if there is none
    :param expression: the list or mapping
    :param unless: the condition that skips an iteration; None if there is none
    """

    name: str
    value: str
    expression: Expression
    unless: Path | None


@dataclass(frozen=True)
class Condition:
    """A condition.

    :param path: the value that decides
    :param wanted: whether it has to be true
    """

    path: Path
    wanted: bool


@lru_cache(maxsize=1024)  # The templates of one contract have some hundred.
def pieces_of(text: str) -> tuple[str | Expression, ...] | None:
    """Split a text into literals and expressions. :returns: None without expressions, empty if one is invalid"""
    if "${" not in text:
        return None
    pieces: list[str | Expression] = []
    for index, piece in enumerate(_IN_TEXT.split(text)):
        if index % 2:
            expression = _expression(piece)
            if expression is None:
                return ()
            pieces.append(expression)
        elif "${" in piece:
            return ()
        elif piece:
            pieces.append(piece)
    return tuple(pieces)


@lru_cache(maxsize=1024)
def loop_of(key: str) -> Loop | None:
    """Parse a key as a loop; None if it is an ordinary key."""
    found = _LOOP.fullmatch(key)
    if found is None or (expression := _expression(found[3])) is None:
        return None
    unless = _path(found[4]) if found[4] else None
    return Loop(found[1], found[2] or "", expression, unless) if unless or not found[4] else None


@lru_cache(maxsize=1024)
def condition_of(key: str) -> Condition | None:
    """Parse a key as a condition for what is below it; None if it is an ordinary key."""
    found = _CONDITION.fullmatch(key)
    path = _path(found[2]) if found else None
    return Condition(path, found[1] == "if") if found and path else None


def is_directive(key: str) -> bool:
    """Whether a key of a template is a directive."""
    return "$" in key and (key == MERGE or "${" in key or key.startswith(("$for", "$if", "$unless")))


def _expression(text: str) -> Expression | None:
    form = _FORM.fullmatch(text.strip())
    if form is None:
        return None
    paths = [_path(path.strip()) for path in form["paths"].split("|")]
    without = tuple(re.findall(_NAME, form["without"] or ""))
    if any(path is None for path in paths):
        return None
    return Expression(tuple(path for path in paths if path), without, form["optional"] is not None, form["paths"])


def _path(text: str) -> Path | None:
    path, end = _path_from(text, 0)
    return path if end == len(text) else None


def _path_from(text: str, start: int) -> tuple[Path | None, int]:
    """Parse a path at a position. :returns: the path and its end"""
    first = re.compile(_NAME).match(text, start)
    if first is None:
        return None, start
    steps: list[str | Path] = []
    position = first.end()
    while position < len(text) and text[position] in ".[":
        if text[position] == "[":
            inner, end = _path_from(text, position + 1)
            if inner is None or text[end : end + 1] != "]":
                return None, position
            steps.append(inner)
            position = end + 1
        else:
            key = re.compile(_NAME).match(text, position + 1)
            if key is None:
                return None, position
            steps.append(key[0])
            position = key.end()
    return Path(first[0], tuple(steps), text[start:position]), position
