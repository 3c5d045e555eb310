"""A snapshot of a SQLite store in memory, which can be restored while the store is served."""

import contextlib
import sqlite3
import threading

from app import determinism, errors
from app.store.engine.address import Address
from app.store.upkeep.backup import opened

# How long to wait before the next attempt on a locked store, in seconds.
_PATIENCE = 0.005


class Snapshot:
    """A snapshot of a store.

    :param address: of the store
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._copy: sqlite3.Connection | None = None
        self._position = 0

    def take(self) -> None:
        """Take a snapshot, replacing the previous one. :raises StoreUnusable: the store has no file"""
        with self._lock, self._opened() as store:
            self._discard()
            self._copy = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            store.backup(self._copy)
            self._position = determinism.position()

    def put_back(self) -> None:
        """Restore the snapshot. :raises StoreUnusable: the store has no file, or there is no snapshot"""
        with self._lock, self._opened() as store:
            if self._copy is None:
                raise errors.StoreUnusable("There is no snapshot yet. Take one first.")
            self._copy.backup(store, sleep=_PATIENCE)
            determinism.begin(self._position)

    def discard(self) -> None:
        """Discard the snapshot."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _opened(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        if self._address.path is None:
            raise errors.StoreUnusable(
                f"Snapshots are of an embedded store in a file, and this store is {self._address}."
            )
        return opened(self._address.path)
