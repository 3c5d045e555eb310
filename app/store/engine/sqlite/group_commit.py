"""Group commit: the requests that arrive together on one event loop share a commit.

Most of a small write is the wait for the disk. Transactions that begin in successive iterations of the event loop become
savepoints of one transaction, which is committed in the first iteration that adds no further transaction: a single wait for all
of them. No data that they wrote or read may leave the process before `pending` is done.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator

from app import errors
from app.store.engine.locking import LockQueue, is_locked
from app.store.engine.sqlite.write_queue import WriteQueue

# The maximum number of transactions per commit, so that other processes get their turn.
_MOST = 128


class CommitGroup:
    """The transactions of one thread's connection to SQLite.

    :param connection: the driver's connection, in autocommit
    :param begin: the statement that begins a transaction
    :param write_queue: the place of the next process

    As a context manager it is the unit of work of one request: an exception rolls back its writes, also those of transactions that
    have ended.
    """

    def __init__(self, connection: sqlite3.Connection, begin: str, write_queue: WriteQueue) -> None:
        self._connection = connection
        self._begin = begin
        self._waiting: list[asyncio.Future[None]] | None = None
        self._size = 0
        self._others: int | None = None
        self._undone = 0
        self.queue = LockQueue(self._take, _MOST, write_queue)
        # The number of successful transactions, now and when the unit of work began.
        self.written = 0
        self._before = 0

    def __enter__(self) -> None:
        self._before = self.written

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and self.written > self._before:
            self._undo()

    @contextlib.contextmanager
    def transaction(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """A transaction that is rolled back alone on an exception, and committed with others."""
        self.join(loop)
        try:
            self._connection.execute("SAVEPOINT member")
            try:
                yield
                self._connection.execute("RELEASE member")
                self.written += 1
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK TO member")
                    self._connection.execute("RELEASE member")
                raise
        except BaseException as error:
            self.failed(error)
            raise

    def join(self, loop: asyncio.AbstractEventLoop) -> None:
        """Join the group with a single statement, whose error, if any, has to be reported by `failed`.

        :raises Locked: another connection writes to the database, or other requests wait for the lock
        """
        if self._waiting is None:
            if self.queue.must_wait(loop):
                raise errors.Locked("database is locked", write=True)
            self._open(loop)
        self._size += 1

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._connection.execute(self._begin)
        except sqlite3.OperationalError as error:
            if is_locked(error):
                raise errors.Locked(str(error), write=True) from error
            raise
        self._waiting, self._size, self._others = [], 0, None
        # Requests that have waited for the lock join in the next iteration.
        loop.call_soon(self._commit_when_complete, loop, self._waiting, -1)

    def _take(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Begin a transaction for the waiting requests. :returns: whether it began; False if one is open already"""
        if self._waiting is not None:
            return False
        self._open(loop)
        return True

    def version(self) -> tuple[int, int, int] | None:
        """A value that differs after each change by any process, and after each rollback; None if no transaction is open.

        Others can't write while it is open, so that SQLite is asked only once for earlier changes (`PRAGMA data_version`).
        """
        if self._waiting is None:
            return None
        if self._others is None:
            (self._others,) = self._connection.execute("PRAGMA data_version").fetchone()
        return self._others, self._connection.total_changes, self._undone

    def failed(self, error: BaseException) -> None:
        """Handle the error of a statement. Some, such as a full disk, roll back the whole transaction."""
        if not self._connection.in_transaction:
            self._end(errors.Unavailable(str(error)))

    def pending(self) -> asyncio.Future[None] | None:
        """The commit that a response waits for; None if no transaction is open.

        :returns: raises `Unavailable` if the commit fails, `Locked` if it can be retried
        """
        if self._waiting is None:
            return None
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        # Between two requests: one that is retried must not be committed in part.
        if self._size >= _MOST:
            self._commit(self._waiting)
        return waiter

    def _commit_when_complete(
        self, loop: asyncio.AbstractEventLoop, waiting: list[asyncio.Future[None]], size: int
    ) -> None:
        """Commit at the first iteration of the event loop in which no transaction joins the group."""
        if waiting is self._waiting and self._size > size:
            loop.call_soon(self._commit_when_complete, loop, waiting, self._size)
        else:
            self._commit(waiting)

    def _commit(self, waiting: list[asyncio.Future[None]]) -> None:
        if waiting is not self._waiting:
            return
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            reason = str(error)
            self._end(errors.Locked(reason, write=True) if is_locked(error) else errors.Unavailable(reason))
        else:
            self._end(None)

    def _undo(self) -> None:
        """Roll back the shared transaction, with the statements of other requests: these have no response yet and are retried. This
        saves a savepoint for each of them.
        """
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
            self._end(errors.Locked("The transaction was rolled back for another request.", write=True))

    def _end(self, error: errors.Unavailable | None) -> None:
        waiting, self._waiting = self._waiting or [], None
        self._undone += error is not None
        for waiter in waiting:
            if waiter.done():
                # The client has disconnected.
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
