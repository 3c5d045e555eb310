"""Rows that were seen, and need not be read again."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

# How many rows are cached, and how long their texts may be together: clients without credentials must not fill the memory.
_MOST, _LONGEST = 1024, 1024


class RowCache(Generic[T]):
    """Rows by their key, as they were at one version of what is stored."""

    def __init__(self) -> None:
        self._rows: dict[str, T] = {}
        self._version: Hashable = None

    def get_cached(self, key: str, version: Hashable = None) -> T | None:
        """What is known of a row; None if nothing is. What is known of another version is forgotten."""
        if version != self._version:
            self._rows.clear()
            self._version = version
        return self._rows.get(key)

    def put(self, key: str, row: T, texts: Iterable[str], version: Hashable = None) -> None:
        """Keep what is known of a row, unless it is too long.

        :param texts: what is long in it
        :param version: the one that this row's change has led to; nothing else has changed since `get_cached`
        """
        if len(self._rows) >= _MOST:
            self._rows.clear()
        self._version = version
        if sum(map(len, texts)) <= _LONGEST:
            self._rows[key] = row
        else:
            self._rows.pop(key, None)

    def discard(self, key: str) -> None:
        """Keep nothing of a row."""
        self._rows.pop(key, None)
