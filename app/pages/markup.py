"""Texts of a contract as HTML: the prose, and names that may be broken at the ends of their words."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"\*\*([^*\n]+)\*\*")

# After these a long name may be broken, and before a capital that begins a word.
_END_OF_WORD = re.compile(r"(?<=[_./:=-])(?=[^_./:=-])|(?<=[a-z0-9])(?=[A-Z])")


def marked_up(text: str) -> Markup:
    """A description as HTML. HTML in it is escaped."""
    escaped = _CODE.sub(lambda code: f"<code>{_END_OF_WORD.sub('<wbr>', code[1])}</code>", str(escape(text.strip())))
    return Markup(_STRONG.sub(r"<strong>\1</strong>", escaped))  # noqa: S704  # escaped above


def breakable(name: str) -> Markup:
    """A name as HTML that is broken only at the ends of its words. HTML in it is escaped."""
    return Markup("<wbr>").join(_END_OF_WORD.split(name))
