"""The connections of a database: SQLAlchemy's pool, checked-out connections of threads, forks, and errors."""

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from app import errors
from app.store.engine.address import Address
from app.store.engine.driver_errors import DriverErrors
from app.store.engine.thread_state import ThreadState

# Seconds until the next attempt after a connection was not available in time.
_RETRY_AFTER = 1.0


class Connections:
    """The connections of one process to one database.

    :param address: of the database
    :param engine: SQLAlchemy's engine
    :param driver: the errors of the driver
    """

    def __init__(self, address: Address, engine: sa.Engine, driver: DriverErrors) -> None:
        self.address = address
        self.engine = engine
        self._errors = driver
        # When to try to get a connection again after none was available in time, in seconds of the clock.
        self._not_before = 0.0
        # The state of each thread, and the connections that threads have checked out.
        self._thread = ThreadState()
        self._checked_out: list[sa.PoolProxiedConnection] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(self))

    def translated(self, error: BaseException) -> BaseException:
        """Translate an error of the driver or the pool to an exception of the domain; return any other unchanged."""
        return self._errors.translated(error)

    @contextlib.contextmanager
    def translating(self, taken: Mapping[Any, str | tuple[str, ...]] = {}) -> Iterator[None]:
        """Translate errors of the driver to exceptions of the domain, before the transaction ends.

        :param taken: the names to report for columns that are unique together
        """
        try:
            yield
        except Exception as error:
            known = self.translated(error)
            if known is error:
                raise
            if isinstance(known, errors.NotUnique):
                known = errors.NotUnique(taken.get(known.property_name, known.property_name))
            raise known from error

    def watch_connections(self, changed: Callable[[int], None]) -> None:
        """Register a callback for each connection opened (1) or closed (-1) from now on."""
        sa.event.listen(self.engine, "connect", lambda *_: changed(1))
        sa.event.listen(self.engine, "close", lambda *_: changed(-1))

    def discard_parent(self) -> None:
        """Discard the connections of the parent process: a fork must neither use nor close them."""
        self._inherited = (self._thread, self._checked_out, self.engine.pool)
        self._thread, self._checked_out = ThreadState(), []
        self.engine.dispose(close=False)

    def take_out(self) -> sa.PoolProxiedConnection:
        """Check out a connection for this thread until `give_back` or `close`.

        :raises Unavailable: the database does not respond
        """
        asked = time.monotonic()
        if asked < self._not_before:
            raise errors.Unavailable("No connection was available in time a moment ago.")
        try:
            with self.translating():
                pooled = self.engine.raw_connection()
        except errors.Unavailable:
            now = time.monotonic()
            if now - asked > _RETRY_AFTER:
                # Requests queued for this thread have waited as long.
                self._not_before = now + _RETRY_AFTER
            raise
        self._checked_out.append(pooled)
        return pooled

    def give_back(self, pooled: sa.PoolProxiedConnection) -> None:
        """Return a connection to the pool."""
        self._checked_out.remove(pooled)
        pooled.close()

    def discard(self, pooled: sa.PoolProxiedConnection) -> None:
        """Close a checked-out connection."""
        pooled.invalidate()
        self.give_back(pooled)

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        self._thread = ThreadState()
        while self._checked_out:
            # If the pool is gone already, it would not close the connection.
            self._checked_out.pop().invalidate()
        self.engine.dispose()


def _weakly(connections: Connections) -> Callable[[], None]:
    reference = weakref.ref(connections)

    def discard() -> None:
        if (living := reference()) is not None:
            living.discard_parent()

    return discard
