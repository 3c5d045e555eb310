"""Connections to PostgreSQL in pipeline mode: the statements of several requests share one round trip and one commit (libpq,
"Pipeline Mode").

Several statements are one transaction: if one fails, all are rolled back, and the others are sent again without it.
"""

import asyncio
import threading
from typing import Protocol

import psycopg
import sqlalchemy as sa

from app import errors
from app.store.engine.engines import POSTGRESQL_RESPONSE_TIMEOUT, POSTGRESQL_SHORT_LOCK_TIMEOUT
from app.store.engine.postgresql.connections import PostgreSQLConnections
from app.store.engine.postgresql.prepared import Failed, Result, Values
from app.store.engine.postgresql.session import ended, statements_of

# The maximum number of statements per transaction. They must fit into the buffers of a socket, as the event loop must not block.
_MOST = 32
# Seconds until the next attempt to open a connection after a failure.
_PAUSE = 1.0


class Waiting(Protocol):
    """A statement that has not been sent, or has no result yet.

    :param key: statements are sent in the order of their keys, which prevents deadlocks between connections
    """

    sql: str
    values: Values
    key: str

    def end(self, result: Result) -> None:
        """Set the result of the statement."""

    def fail(self, error: errors.Unavailable) -> None:
        """Set the error of the statement. :param error: `SerializationFailure` if it has certainly changed nothing"""


class PipelinedConnections:
    """The connections for the pending statements of an event loop.

    :param database: provides the connections
    :param most: the number of connections: while one waits for its results, another one sends the statements that have arrived
    """

    def __init__(self, database: PostgreSQLConnections, most: int) -> None:
        # Whether all connections are open.
        self.full = False
        self._most = most
        self._database = database
        self._open: list[_PipelinedConnection] = []
        self._waiting: list[Waiting] = []
        self._opening: _Opening | None = None
        self._not_before = 0.0

    def __len__(self) -> int:
        """The number of open connections."""
        return len(self._open)

    def add(self, statement: Waiting, loop: asyncio.AbstractEventLoop) -> None:
        """Send a statement, with all others of this iteration of the event loop."""
        if not self._waiting:
            loop.call_soon(self.go_on)
        self._waiting.append(statement)

    def add_again(self, statements: list[Waiting]) -> None:
        """Send statements before all others: they were rolled back because of another statement's error."""
        self._waiting = statements + self._waiting

    def go_on(self) -> None:
        """Send pending statements on idle connections."""
        for connection in [*self._open]:
            if self._waiting and not connection.busy:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                connection.send(sorted(batch, key=lambda statement: statement.key))

    def lost(self, connection: "_PipelinedConnection") -> None:
        """Remove a broken connection."""
        self._open.remove(connection)
        self.full = False
        if not self._open:
            waiting, self._waiting = self._waiting, []
            for statement in waiting:
                statement.fail(errors.SerializationFailure("There is no connection."))

    def fill(self, loop: asyncio.AbstractEventLoop) -> None:
        """Add a connection that was opened, and start opening another one."""
        if self._opening is not None:
            if self._opening.is_alive():
                return
            opened, self._opening = self._opening, None
            if (pooled := opened.opened()) is not None:
                self._not_before = 0.0
                self._open.append(_PipelinedConnection(self, self._database, loop, pooled, opened.generation))
                self.full = len(self._open) == self._most
        if not self.full and loop.time() >= self._not_before:
            self._not_before = loop.time() + _PAUSE
            self._opening = _Opening(self._database)
            self._opening.start()

    def drop(self) -> None:
        """Close the connections. It is unknown whether writes under way are committed."""
        for connection in [*self._open]:
            connection.drop()

    def close(self) -> None:
        """Close the connections, and the one that is being opened."""
        if self._opening is not None and (pooled := self._opening.opened(wait=True)) is not None:
            self._database.discard(pooled)
        self._opening = None
        self.drop()


class _Opening(threading.Thread):
    """A thread that opens a connection, as this waits for the network."""

    def __init__(self, database: PostgreSQLConnections) -> None:
        super().__init__(name="flows-pipeline", daemon=True)
        self.generation = database.generation
        self._database = database
        self._pooled: sa.PoolProxiedConnection | None = None

    def run(self) -> None:
        try:
            pooled = self._database.take_out()
        except errors.Unavailable:
            return
        try:
            # A statement that waits for a lock delays all that are sent with it.
            statements_of(pooled).wait_for_locks(POSTGRESQL_SHORT_LOCK_TIMEOUT, always=True)
        except psycopg.Error:
            self._database.discard(pooled)
        else:
            self._pooled = pooled

    def opened(self, *, wait: bool = False) -> sa.PoolProxiedConnection | None:
        """The connection; None if there is none."""
        if wait:
            self.join()
        return self._pooled


class _PipelinedConnection:
    """A connection that sends statements in batches."""

    def __init__(
        self,
        pool: PipelinedConnections,
        database: PostgreSQLConnections,
        loop: asyncio.AbstractEventLoop,
        pooled: sa.PoolProxiedConnection,
        generation: int,
    ) -> None:
        self._pool = pool
        self._database = database
        self._loop = loop
        self._pooled = pooled
        self._generation = generation
        self._statements = statements_of(pooled)
        self._statements.begin_pipeline()
        self._file = self._statements.fileno()
        self._batch: list[Waiting] = []
        # When the batch was sent, in seconds of the event loop's clock.
        self._sent = 0.0
        self._watch: asyncio.TimerHandle | None = None
        loop.add_reader(self._file, self._readable)

    @property
    def busy(self) -> bool:
        """Whether it waits for results."""
        return bool(self._batch)

    def send(self, batch: list[Waiting]) -> None:
        """Send some statements. :param batch: in the order of their keys"""
        self._batch, self._sent = batch, self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(POSTGRESQL_RESPONSE_TIMEOUT, self._look)
        if ended(self._statements):
            self._fail(errors.SerializationFailure("The connection has ended."), gone=True)
            return
        try:
            self._statements.send([(statement.sql, statement.values) for statement in batch])
        except Exception as error:
            self._fail(errors.Unavailable(str(error)), gone=isinstance(error, psycopg.OperationalError))

    def drop(self) -> None:
        """Close the connection."""
        self._fail(errors.Unavailable("The connection was closed."), gone=True)

    def _readable(self) -> None:
        try:
            results = self._statements.received()
        except Exception as error:
            # After any error the next result on this connection is undefined.
            self._fail(errors.Unavailable(str(error)), gone=isinstance(error, psycopg.OperationalError))
            return
        if results is None:
            return
        batch, self._batch = self._batch, []
        if isinstance(results, Failed):
            # PostgreSQL has rolled back the whole batch.
            failed = batch if results.place is None else [batch.pop(results.place)]
            if results.place is not None:
                self._pool.add_again(batch)
            self._pool.go_on()
            for statement in failed:
                statement.fail(errors.SerializationFailure(str(results.error)))
            return
        self._pool.go_on()
        for statement, result in zip(batch, results, strict=True):
            try:
                statement.end(result)
            except Exception as error:
                statement.fail(errors.Unavailable(str(error)))

    def _look(self) -> None:
        """Close the connection if the results are overdue."""
        self._watch = None
        if not self.busy:
            return
        left = self._sent + POSTGRESQL_RESPONSE_TIMEOUT - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._fail(errors.Unavailable("The connection does not respond."), gone=True)

    def _fail(self, error: errors.Unavailable, *, gone: bool) -> None:
        """Close the connection. :param gone: whether the server is gone, so that all other connections are discarded too"""
        batch, self._batch = self._batch, []
        if self._watch is not None:
            self._watch.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._file)
        self._database.discard(self._pooled)
        if gone:
            self._database.lost(self._generation)
        self._pool.lost(self)
        for statement in batch:
            statement.fail(error)
