"""The prose of a contract as HTML: text between backticks becomes code, the rest is escaped."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"\*\*([^*\n]+)\*\*")


def marked_up(text: str) -> Markup:
    """A description as HTML. HTML in it is escaped."""
    escaped = _STRONG.sub(r"<strong>\1</strong>", str(escape(text.strip())))
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704  # escaped above
