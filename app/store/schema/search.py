"""The `search` column: folded text, equal on all databases.

Authentik folds case by its database's `UPPER`, which maps each character to one: `ß` stays `ß` (recorded: `list.search.*`).
"""

import re
from collections.abc import Iterable
from typing import Any

# A term holds no white space, so it never matches across two properties.
SEPARATOR = "\n"

FORMAT = 2
"""The version of the format of `search` columns. A change rebuilds them."""


def fold(text: str) -> str:
    """Upper-case each character separately."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    # A loop over all characters is a hundred times slower.
    several = "".join(character for character in set(text) if len(character.upper()) > 1)
    return re.sub(f"[^{re.escape(several)}]+", lambda found: found[0].upper(), text)


def search_text(values: Iterable[Any]) -> str:
    """The value of a row's `search` column. :param values: of the searched properties"""
    return fold(SEPARATOR.join(map(str, values)))


def search_text_of_object(name: str, values: Iterable[Any]) -> str:
    """The value of an object's `search` column. Its first line is the name, for searches of objects that show this name.

    :param values: of the other searched properties; None for a missing one
    """
    found = search_text([name.replace(SEPARATOR, " "), *(value for value in values if value is not None), ""])
    # Search terms have no NUL either.
    return found.replace("\0", "")
