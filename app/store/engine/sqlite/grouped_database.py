"""A database with group commit: the writes of requests that arrive together share a transaction and one wait for the disk.

With 16 connections a create takes half of the processor time that it takes with a commit of its own
(docs/decisions/group-commit.md). To turn it off, choose `SQLiteDatabase` in `factory`, and `Flows` in `app.store`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from app import errors
from app.store.engine.locking import pause
from app.store.engine.scheduling import Scheduling
from app.store.engine.session import Session
from app.store.engine.sqlite.database import SQLiteDatabase
from app.store.engine.sqlite.grouped_session import GroupedConnections, GroupedSession, SingleStatement


class GroupedDatabase(GroupedConnections, SQLiteDatabase):
    """A SQLite database whose transactions share commits."""

    def scheduling(self) -> Scheduling:
        """See `Database`. From now on the transactions of an event loop's thread share commits."""
        self.grouped = True
        self.write_queue.share()
        return Scheduling(pending=self.pending_commit, wait_for_lock=self.wait_for_lock)

    def change_counter(self) -> Callable[[], Hashable | None]:
        """See `Database`."""
        return self.version

    def version(self) -> tuple[int, int] | None:
        """A value that differs after each change of the database by any process (SQLite, `PRAGMA data_version`).

        :returns: None if changes are under way
        :raises Unavailable: the database does not respond
        """
        with self._thread_session() as session:
            return session.version()

    def pending_commit(self) -> asyncio.Future[None] | None:
        """See `Scheduling`."""
        session: GroupedSession | None = self._thread.session
        return session.group.pending() if session is not None else None

    async def wait_for_lock(self, error: errors.Locked, began: float) -> None:
        """See `Scheduling`."""
        if error.write:
            await self._thread_session().group.queue.wait(error, began)
        else:
            await pause(error, began)

    def write_once(self) -> contextlib.AbstractContextManager[GroupedSession]:
        """See `Database`."""
        session = self._thread_session()
        loop = session.loop()
        if loop is None:
            self._begin_in_unit()
        return SingleStatement(session, loop)

    def turn(self) -> contextlib.AbstractContextManager[GroupedSession] | None:
        """A session to read a row in the shared transaction, then to execute one statement that writes; None without an event loop.

        :raises Unavailable: the database does not respond
        :raises NotUnique: a value is taken
        """
        session = self._thread_session()
        loop = session.loop()
        return None if loop is None else SingleStatement(session, loop)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Session]:
        """See `Database`. It reads within the shared transaction, if others write in it."""
        with self._own_write() if self._thread_session().loop() is not None else super().snapshot() as session:
            yield session

    def unit_of_work(self) -> contextlib.AbstractContextManager[Any]:
        """See `Database`."""
        session = self._thread_session()
        return super().unit_of_work() if session.loop() is None else session.group

    def _thread_session(self) -> GroupedSession:
        session: GroupedSession | None = self._thread.session
        if session is None:
            session = self._thread.session = GroupedSession(self)
        return session
