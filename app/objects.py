"""What a handler answers for an object that is stored: its row, and how the contract wants it to look."""

from collections.abc import Callable
from typing import Any, NamedTuple


class StoredObject(NamedTuple):
    """An object as it is stored, not shaped yet. Two are equal if their answers are, so that an answer can be remembered by its
    whole content: it is never a stale one.

    :param row: every value that the answer depends on
    :param shape: a pure function from the row to the object of the contract
    """

    row: tuple[Any, ...]
    shape: Callable[[Any], dict[str, Any]]
