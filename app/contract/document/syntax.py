"""YAML syntax errors in plain words, without the tokens and nodes of the parser's messages."""

from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from app.contract.document.findings import Finding, Location

_BRACKETS = {"flow sequence": ("list", "[", "]"), "flow mapping": ("mapping", "{", "}")}


class _Problem(NamedTuple):
    """A syntax error reported by the parser.

    :param said: the message, context and problem
    :param line: the line of the error, without indentation
    :param character: the character at the error; empty at the end
    :param within: the text before that character on the line
    :param begins: the first line of the construct being parsed, counted from 1
    """

    said: str
    line: str
    character: str
    within: str
    begins: int


def finding_of(error: yaml.YAMLError, name: str, text: bytes) -> Finding:
    """Convert a parser's error to a finding.

    :param name: the name of the file in messages
    :param text: its content
    """
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable(error, name, text)
    lines = text.decode("utf-8", "replace").splitlines()
    if (conflict := next((index for index, line in enumerate(lines) if line.startswith("<<<<<<< ")), None)) is not None:
        location = Location(name, conflict + 1, 1)
        return Finding(location, "A merge conflict is not resolved.", "Choose one side, and remove the markers.")
    mark: Any = error.problem_mark or error.context_mark
    begins: Any = error.context_mark or mark
    line = lines[mark.line] if mark.line < len(lines) else ""
    said = " ".join(filter(None, (error.context, error.problem)))
    finding = _Problem(
        said, line.strip(), line[mark.column : mark.column + 1], line[: mark.column].strip(), begins.line + 1
    )
    for words, explain, at_the_beginning in _EXPLANATIONS:
        if words in said:
            where = begins if at_the_beginning else mark
            return Finding(Location(name, where.line + 1, where.column + 1), *explain(finding))
    location = Location(name, mark.line + 1, mark.column + 1)
    return Finding(location, f"This is not valid YAML: {said}.", "Correct the syntax.")


def _unreadable(error: yaml.YAMLError, name: str, text: bytes) -> Finding:
    before = text[: getattr(error, "position", 0)]
    location = Location(name, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
    code = getattr(error, "character", None)
    if "control characters" in str(error) and isinstance(code, int):
        return Finding(location, f"The control character U+{code:04X} stands here.", "Remove it.")
    return Finding(location, "This is not UTF-8 text.", "Save the file as UTF-8 text.")


def _no_beginning(finding: _Problem) -> tuple[str, str]:
    if finding.character == "\t":
        return "A tab stands where only spaces may.", "Indent with spaces."
    return f"A value can't begin with `{finding.character}`.", "Put it in quotes."


def _no_second_key(finding: _Problem) -> tuple[str, str]:
    if ": " in finding.within:
        return "A second `: ` stands in this line.", "Put the value in quotes."
    problem = "The line is indented too far, or the key above has no `:`."
    return problem, "Indent it as the keys beside it, or write `:` after the key above."


def _no_key(finding: _Problem) -> tuple[str, str]:
    if finding.within:
        return "Text follows a value that has ended.", "Put the whole value in quotes."
    if finding.line.startswith("-"):
        return f"A list item stands among the keys that begin at line {finding.begins}.", "Indent it below its key."
    return f"The line fits none of the keys that begin at line {finding.begins}.", _INDENT


_INDENT = "Indent it as the keys beside it, or close quotes that are open above."


def _no_item(finding: _Problem) -> tuple[str, str]:
    problem = f"The line stands where an item of the list that begins at line {finding.begins} should."
    return problem, "Begin it with `- `, or indent it differently."


def _not_closed(finding: _Problem) -> tuple[str, str]:
    kind, opening, closing = next(named for words, named in _BRACKETS.items() if words in finding.said)
    return f"The {kind} that `{opening}` opens here is not closed, or lacks a comma.", f"Add `{closing}` or `,`."


def _words(problem: str, remedy: str) -> Callable[[Any], tuple[str, str]]:
    return lambda _problem: (problem, remedy)


# Part of the parser's message, its explanation, and whether the error is at the start of the construct instead of its end.
_EXPLANATIONS: tuple[tuple[str, Callable[[_Problem], tuple[str, str]], bool], ...] = (
    ("cannot start any token", _no_beginning, False),
    ("tab character", _words("A tab stands where only spaces may.", "Indent with spaces."), False),
    ("mapping values are not allowed", _no_second_key, False),
    ("did not find expected key", _no_key, False),
    ("expected '-' indicator", _no_item, False),
    (
        "expected node content",
        _words("A value is missing here, or a bracket is not closed.", "Write the value, or close the bracket."),
        False,
    ),
    ("flow sequence", _not_closed, True),
    ("flow mapping", _not_closed, True),
    ("quoted scalar found unexpected", _words("The quotes that open here are not closed.", "Close them."), True),
    (
        "unknown escape character",
        _words("This is not an escape of YAML.", "Use single quotes, or write the backslash twice."),
        False,
    ),
    (
        "Unicode character escape",
        _words("This escape is not a character.", "Write the character itself."),
        False,
    ),
    (
        "could not find expected ':'",
        _words(
            "This is neither `key: value` nor an item of a list.", "Write `:` after a key, or correct the indentation."
        ),
        True,
    ),
    (
        "undefined alias",
        _words("No anchor of this alias's name stands above.", "Correct the name, or write the anchor `&name` before."),
        False,
    ),
    ("duplicate anchor", _words("The anchor's name is taken above.", "Give each anchor a name of its own."), False),
    (
        "block sequence entries are not allowed",
        _words("A list can't begin in the line of its key.", "Begin it in the next line, or put the text in quotes."),
        False,
    ),
    ("scanning an alias", _words("A value can't begin with `*`.", "Put it in quotes."), True),
    ("scanning an anchor", _words("A value can't begin with `&`.", "Put it in quotes."), True),
    ("mapping keys are not allowed", _words("A value can't begin with `? `.", "Put it in quotes."), False),
    ("tag", _words("A value can't begin with `!`.", "Put it in quotes."), True),
    ("directive", _words("A line can't begin with `%`.", "Put the text in quotes."), True),
    ("another document", _words("A second document begins here.", "Keep one, without `---`."), False),
    ("<document start>", _words("Text follows the end of the document.", "Remove it, or the `...` above."), False),
    (
        "block scalar",
        _words("Something stands behind `|` or `>`.", "Begin the text in the next line."),
        False,
    ),
)
