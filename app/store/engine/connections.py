"""The connections of a database: SQLAlchemy's pool, what threads have checked out, a server that is gone, a fork, and errors."""

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from app import errors
from app.store.engine.address import address_of
from app.store.engine.driver_errors import DriverErrors
from app.store.engine.engines import POSTGRESQL_LOCK_TIMEOUT, postgresql_engine, sqlite_engine
from app.store.engine.session import Session
from app.store.engine.sqlite.write_queue import Turnstile

# Seconds until a connection is asked for again that was not to be had in as many.
_RETRY_AFTER = 1.0


class Connections:
    """The connections of one process to one database.

    :param url: as SQLAlchemy has it: `sqlite:///PATH` or `postgresql://...`
    :param pool_size: the most connections
    :raises ValueError: the URL is invalid, or of another kind of database
    :raises Unavailable: there is no place for an embedded database
    """

    def __init__(self, url: str, pool_size: int) -> None:
        self.address = address_of(url)
        self.embedded = self.address.embedded
        self.engine = sqlite_engine(self.address) if self.embedded else postgresql_engine(self.address, pool_size)
        self._errors = DriverErrors(embedded=self.embedded)
        # How a transaction begins, whether transactions of an event loop share commits, and whose turn it is to write.
        self.begin = "BEGIN IMMEDIATE" if self.embedded else "BEGIN"
        self.grouped = False
        self.turnstile = Turnstile()
        # When to try to get a connection again after none was available in time, in seconds of the clock.
        self._not_before = 0.0
        # Counts the times that the server was found to be gone.
        self._generation = 0
        # The session of each thread, and the connections that threads have checked out.
        self._thread = threading.local()
        self._checked_out: list[sa.PoolProxiedConnection] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(self))

    @property
    def serves_threads(self) -> bool:
        """Whether each thread can have a connection: an embedded database without a file is its one connection."""
        return self.address.path is not None or not self.embedded

    @property
    def lock_timeout(self) -> int:
        """How many milliseconds this thread waits for a lock of PostgreSQL."""
        timeout: int = getattr(self._thread, "lock_timeout", POSTGRESQL_LOCK_TIMEOUT)
        return timeout

    @property
    def generation(self) -> int:
        """What differs once the server was found to be gone: no connection of before is worth keeping then."""
        return self._generation

    def outcome(self, session: Session, connection: Any, error: BaseException, generation: int) -> BaseException:
        """What an error of a networked database means; `translated` that knows what became of the unit of work.

        No connection is kept if the server is gone, or is no longer the one that takes changes.

        :param connection: the driver's
        :param generation: of the connection
        """
        gone = connection.closed
        if gone or self._errors.is_misled(error):
            self.lost(generation)
        known = self.translated(error)
        if gone and type(known) is errors.Unavailable and not session.uncertain:
            return errors.TakenBack(str(known))
        return known

    def lost(self, generation: int) -> None:
        """Keep no connection of a generation: the server is gone."""
        if generation == self._generation:
            self._generation += 1
            self.engine.dispose()

    def translated(self, error: BaseException) -> BaseException:
        """An error of the driver or the pool as the one that callers know; any other as it is."""
        return self.held_up(str(error)) if self._errors.is_locked(error) else self._errors.translated(error)

    @contextlib.contextmanager
    def translating(self, taken: Mapping[Any, str | tuple[str, ...]] = {}) -> Iterator[None]:
        """Let errors of the driver be those that callers know, before the transaction ends.

        :param taken: what columns that are unique together are called
        """
        try:
            yield
        except Exception as error:
            known = self.translated(error)
            if known is error:
                raise
            if isinstance(known, errors.NotUnique):
                known = errors.NotUnique(taken.get(known.member, known.member))
            raise known from error

    def held_up(self, why: str) -> BaseException:
        """What to raise when a lock is not to be had in time: `WouldWait` where others would wait too, or else `Unavailable`."""
        return errors.WouldWait() if self.lock_timeout < POSTGRESQL_LOCK_TIMEOUT else errors.Unavailable(why)

    def watch_connections(self, changed: Callable[[int], None]) -> None:
        """Have told of each connection that is opened (1) or closed (-1) from now on."""
        sa.event.listen(self.engine, "connect", lambda *_: changed(1))
        sa.event.listen(self.engine, "close", lambda *_: changed(-1))

    def forget_parent(self) -> None:
        """A process that was forked must neither use nor close its parent's connections."""
        self._inherited = (self._thread, self._checked_out, self.engine.pool)
        self._thread, self._checked_out = threading.local(), []
        self.engine.dispose(close=False)

    def take_out(self) -> sa.PoolProxiedConnection:
        """A connection that its thread keeps until `give_back` or `close`. :raises Unavailable: the database does not answer"""
        asked = time.monotonic()
        if asked < self._not_before:
            raise errors.Unavailable("No connection was available in time a moment ago.")
        try:
            with self.translating():
                pooled = self.engine.raw_connection()
        except errors.Unavailable:
            now = time.monotonic()
            if now - asked > _RETRY_AFTER:
                # Who waits for this thread has waited as long.
                self._not_before = now + _RETRY_AFTER
            raise
        self._checked_out.append(pooled)
        return pooled

    def give_back(self, pooled: sa.PoolProxiedConnection) -> None:
        """Let go of a connection."""
        self._checked_out.remove(pooled)
        pooled.close()

    def discard(self, pooled: sa.PoolProxiedConnection) -> None:
        """Close a connection that was taken out."""
        pooled.invalidate()
        self.give_back(pooled)

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        self._thread = threading.local()
        while self._checked_out:
            # Its pool may be gone already, and would not close it.
            self._checked_out.pop().invalidate()
        self.engine.dispose()


def _weakly(connections: Connections) -> Callable[[], None]:
    reference = weakref.ref(connections)

    def forget() -> None:
        if (living := reference()) is not None:
            living.forget_parent()

    return forget
