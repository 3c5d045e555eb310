"""Snapshots of a store in memory, each with a name."""

import threading

from app import determinism, errors
from app.store.engine.address import Address
from app.store.upkeep.copies import Copy, copy_of

# The maximum number of snapshots: each takes as much memory as the store.
_MOST = 64


class Snapshots:
    """The snapshots of a store.

    :param address: of the store
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[Copy, int]] = {}

    def take(self, name: str) -> None:
        """Take a snapshot, replacing that of the same name.

        :raises StoreUnusable: the store is in memory, or there are too many snapshots
        :raises Unavailable: the database does not respond
        """
        with self._lock:
            if name not in self._taken and len(self._taken) >= _MOST:
                raise errors.StoreUnusable(f"There are {_MOST} snapshots. Delete one first.")
            copy = copy_of(self._address)
            self._discard(name)
            self._taken[name] = copy, determinism.position()

    def put_back(self, name: str) -> None:
        """Restore a snapshot.

        :raises StoreUnusable: there is no snapshot of that name
        :raises Unavailable: the database does not respond
        """
        with self._lock:
            if name not in self._taken:
                known = ", ".join(sorted(self._taken))
                raise errors.StoreUnusable(
                    f"There is no snapshot {name!r}. {f'There are: {known}.' if known else 'Take one first.'}"
                )
            copy, position = self._taken[name]
            copy.put_back()
            determinism.begin(position)

    def discard(self, name: str) -> None:
        """Discard the snapshot of a name, if there is one."""
        with self._lock:
            self._discard(name)

    def discard_all(self) -> None:
        """Discard all snapshots."""
        with self._lock:
            for name in list(self._taken):
                self._discard(name)

    def _discard(self, name: str) -> None:
        if name in self._taken:
            self._taken.pop(name)[0].close()
