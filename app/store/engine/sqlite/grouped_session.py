"""Sessions of SQLite with group commit (see `group_commit`), and a cache of the rows that they have written."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from app.store.engine.engines import let_sleep
from app.store.engine.locking import runs_event_loop
from app.store.engine.row_cache import RowCache
from app.store.engine.sqlite.connections import SQLiteConnections
from app.store.engine.sqlite.group_commit import CommitGroup
from app.store.engine.sqlite.session import ThreadSession


class GroupedConnections(SQLiteConnections):
    """The connections of a process whose transactions may share commits."""

    grouped = False
    """Whether transactions of an event loop share commits."""


class GroupedSession(ThreadSession):
    """The session of one thread, which may run an event loop."""

    __slots__ = ("_connections", "_others", "_rows", "_sleeps", "group")

    def __init__(self, database: GroupedConnections) -> None:
        super().__init__(database)
        self._connections = database
        # The changes of others, cached for this iteration of the event loop.
        self._others: int | None = None
        self.group = CommitGroup(self._connection, database.begin, database.write_queue)
        self._rows: RowCache[Any] = RowCache()
        # Whether a statement that finds the database locked sleeps in this thread.
        self._sleeps = not runs_event_loop()

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """A transaction with its own commit, or one that shares the commit of its event loop."""
        loop = self.loop()
        return super().transaction() if loop is None else self.group.transaction(loop)

    def get_cached(self, key: str) -> Any:
        """A row that this session has written, if it has not changed since; None if that is unknown."""
        version = self.group.version()
        return None if version is None else self._rows.get_cached(key, version)

    def put(self, key: str, row: Any, texts: Iterable[str]) -> None:
        """Cache a row that was just written, with no other write since `get_cached`."""
        if (version := self.group.version()) is not None:
            self._rows.put(key, row, texts, version)

    def discard(self, key: str) -> None:
        """Discard a row from the cache."""
        self._rows.discard(key)

    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop whose requests share commits; None if there is none."""
        if not self._connections.grouped:
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if self._sleeps is not (loop is None):
            self._sleeps = loop is None
            let_sleep(self._connection, self._sleeps)
        return loop

    def version(self) -> tuple[int, int] | None:
        """The changes of others, as SQLite counts them, and this connection's own; None within a transaction.

        The others' changes are read once per iteration of the event loop: all requests of it had arrived before the first response,
        so that no client can know of a later change.
        """
        if self._connection.in_transaction:
            return None
        others = self._others
        if others is None:
            (others,) = self._connection.execute("PRAGMA data_version").fetchone()
            if (loop := self.loop()) is not None:
                self._others = others
                loop.call_soon(self._end_turn)
        return others, self._connection.total_changes

    def _end_turn(self) -> None:
        self._others = None


class SingleStatement:
    """The session of one thread for one statement that writes. SQLite rolls it back by itself if it fails.

    It is a class because a generator takes several times as long as the work here.

    :param session: the session of the thread
    :param loop: the event loop whose requests share the commit; None if the statement is a transaction by itself
    """

    __slots__ = ("_loop", "_session")

    def __init__(self, session: GroupedSession, loop: asyncio.AbstractEventLoop | None) -> None:
        self._session = session
        self._loop = loop

    def __enter__(self) -> GroupedSession:
        if self._loop is not None:
            try:
                self._session.group.join(self._loop)
            except Exception as error:
                self._session.__exit__(type(error), error, error.__traceback__)
                raise
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        group = self._session.group
        if error is None:
            group.written += 1
            return
        group.failed(error)
        self._session.__exit__(kind, error, trace)
