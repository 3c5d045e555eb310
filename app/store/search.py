"""What a row is searched by: one column that means the same on each database.

Authentik folds case by its database's `UPPER`, which maps one character to one: `ß` stays `ß` (recorded: `list.search.*`).
"""

from collections.abc import Iterable
from typing import Any

# A term holds no white space, so it never matches across two members.
SEPARATOR = "\n"


def fold(text: str) -> str:
    """Text in capital letters, each character by itself."""
    if text.isascii():
        return text.upper()
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)


def search_text(values: Iterable[Any]) -> str:
    """The value of a row's `search` column. :param values: those of the members that are searched"""
    return fold(SEPARATOR.join(map(str, values)))
