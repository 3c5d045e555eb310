"""A cache of rows that need not be read again."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

# The maximum number of cached rows, and of characters of their texts: clients without credentials must not fill the memory.
_MOST, _LONGEST = 1024, 1024


class RowCache(Generic[T]):
    """Cached rows by key, of one version of the database."""

    def __init__(self) -> None:
        self._rows: dict[str, T] = {}
        self._version: Hashable = None

    def get_cached(self, key: str, version: Hashable = None) -> T | None:
        """The cached row, None if there is none. Discards all rows of another version."""
        if version != self._version:
            self._rows.clear()
            self._version = version
        return self._rows.get(key)

    def put(self, key: str, row: T, texts: Iterable[str], version: Hashable = None) -> None:
        """Cache a row, unless it is too long.

        :param texts: the long values of the row
        :param version: after the change of this row; nothing else has changed since `get_cached`
        """
        if len(self._rows) >= _MOST:
            self._rows.clear()
        self._version = version
        if sum(map(len, texts)) <= _LONGEST:
            self._rows[key] = row
        else:
            self._rows.pop(key, None)

    def discard(self, key: str) -> None:
        """Discard a row."""
        self._rows.pop(key, None)
