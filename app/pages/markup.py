"""The prose of a contract as markup: what it writes between backticks is code, and all else is text."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"\*\*([^*\n]+)\*\*")


def marked_up(text: str) -> Markup:
    """A description for a page. Nothing in it counts as HTML."""
    escaped = _STRONG.sub(r"<strong>\1</strong>", str(escape(text.strip())))
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704  # escaped above
