"""Copies of the content of a store in memory, which can be put back while the store is served."""

import sqlite3
from pathlib import Path
from typing import Protocol

from app import errors
from app.store.engine.address import Address
from app.store.upkeep.backup import opened

# How long to wait before the next attempt on a locked SQLite store, in seconds.
_PATIENCE = 0.005


class Copy(Protocol):
    """A copy of the content of a store."""

    def put_back(self) -> None:
        """Replace the content of the store. :raises Unavailable: the database does not respond"""

    def close(self) -> None:
        """Release the memory."""


def copy_of(address: Address) -> Copy:
    """Copy the content of a store.

    :raises StoreUnusable: the store is in the memory of another connection
    :raises Unavailable: the database does not respond
    """
    if address.path is not None:
        return _SQLiteCopy(address.path)
    if address.in_memory:
        raise errors.StoreUnusable(f"Snapshots are of a store in a file or on a server, and this store is {address}.")
    from app.store.upkeep.postgresql_copy import PostgreSQLCopy

    return PostgreSQLCopy(address)


class _SQLiteCopy:
    """A database in memory. :param path: the file of the store"""

    def __init__(self, path: Path) -> None:
        self._path = path
        with opened(path) as store:
            self._content = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            store.backup(self._content)

    def put_back(self) -> None:
        """See `Copy`."""
        with opened(self._path) as store:
            self._content.backup(store, sleep=_PATIENCE)

    def close(self) -> None:
        """See `Copy`."""
        self._content.close()
