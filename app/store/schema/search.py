"""What a row is searched by: one column that means the same on each database.

Authentik folds case by its database's `UPPER`, which maps one character to one: `ß` stays `ß` (recorded: `list.search.*`).
"""

import re
from collections.abc import Iterable
from typing import Any

# A term holds no white space, so it never matches across two members.
SEPARATOR = "\n"

FORMAT = 2
"""What differs once `search` columns are made otherwise, and have to be made anew."""


def fold(text: str) -> str:
    """Text in capital letters, each character by itself."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    # To look at each character takes a hundred times as long.
    several = "".join(character for character in set(text) if len(character.upper()) > 1)
    return re.sub(f"[^{re.escape(several)}]+", lambda found: found[0].upper(), text)


def search_text(values: Iterable[Any]) -> str:
    """The value of a row's `search` column. :param values: those of the members that are searched"""
    return fold(SEPARATOR.join(map(str, values)))


def search_text_of_object(name: str, values: Iterable[Any]) -> str:
    """The value of an object's `search` column. Its first line is the name, which others can search by that show it.

    :param values: those of the other searched properties; None for one without a value
    """
    found = search_text([name.replace(SEPARATOR, " "), *(value for value in values if value is not None), ""])
    # Neither do the words that are looked for have any.
    return found.replace("\0", "")
