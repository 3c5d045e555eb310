"""Connections to PostgreSQL that send the statements of several requests together: one round trip and one commit (libpq, "Pipeline
Mode").

Several statements are one transaction: if one fails, none is kept, and the others are sent again without it.
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

# Statements of a transaction at most. What is sent must fit into the buffers of a socket, as a loop must not wait.
_MOST = 32
# Seconds until a connection is tried again after one that failed.
_PAUSE = 1.0


class Waiting(Protocol):
    """A statement that has not been sent, or not been answered.

    :param key: statements go in the order of their keys, so that two connections do not wait for each other
    """

    sql: str
    values: Values
    key: str

    def end(self, result: Result) -> None:
        """Tell who waits what it has answered."""

    def fail(self, error: errors.Unavailable) -> None:
        """Tell who waits why it is not answered. :param error: `SerializationFailure` if it has changed nothing for sure"""


class PipelinedConnections:
    """What statements of an event loop wait for: some connections.

    :param database: its connections
    :param most: how many connections: while one waits for its responses, another one takes what has arrived since
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
        """How many connections are open."""
        return len(self._open)

    def add(self, statement: Waiting, loop: asyncio.AbstractEventLoop) -> None:
        """Send a statement, with all others of this iteration of the event loop."""
        if not self._waiting:
            loop.call_soon(self.go_on)
        self._waiting.append(statement)

    def add_again(self, statements: list[Waiting]) -> None:
        """Send statements before all others: they were rolled back with one that has failed."""
        self._waiting = statements + self._waiting

    def go_on(self) -> None:
        """Send what waits, on connections that have nothing to do."""
        for connection in [*self._open]:
            if self._waiting and not connection.busy:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                connection.send(sorted(batch, key=lambda statement: statement.key))

    def lost(self, connection: "_PipelinedConnection") -> None:
        """Do without a connection."""
        self._open.remove(connection)
        self.full = False
        if not self._open:
            waiting, self._waiting = self._waiting, []
            for statement in waiting:
                statement.fail(errors.SerializationFailure("There is no connection."))

    def fill(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take up a connection that was opened, and have another one opened."""
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
        """Close the connections. Writes that are under way may have been kept or not."""
        for connection in [*self._open]:
            connection.drop()

    def close(self) -> None:
        """Close the connections, and the one that is being opened."""
        if self._opening is not None and (pooled := self._opening.opened(wait=True)) is not None:
            self._database.discard(pooled)
        self._opening = None
        self.drop()


class _Opening(threading.Thread):
    """Opens a connection, which takes as long as the network does."""

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
            # All that is sent with a statement waits for a lock with it.
            statements_of(pooled).wait_for_locks(POSTGRESQL_SHORT_LOCK_TIMEOUT, always=True)
        except psycopg.Error:
            self._database.discard(pooled)
        else:
            self._pooled = pooled

    def opened(self, *, wait: bool = False) -> sa.PoolProxiedConnection | None:
        """The connection; None if there is none to be had."""
        if wait:
            self.join()
        return self._pooled


class _PipelinedConnection:
    """A connection that sends statements together."""

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
        # When the batch was sent, in seconds of the loop.
        self._sent = 0.0
        self._watch: asyncio.TimerHandle | None = None
        loop.add_reader(self._file, self._readable)

    @property
    def busy(self) -> bool:
        """Whether it waits for a response."""
        return bool(self._batch)

    def send(self, batch: list[Waiting]) -> None:
        """Send some statements. :param batch: in their order"""
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
            # Whatever it is: nobody knows what the connection would answer next.
            self._fail(errors.Unavailable(str(error)), gone=isinstance(error, psycopg.OperationalError))
            return
        if results is None:
            return
        batch, self._batch = self._batch, []
        if isinstance(results, Failed):
            # PostgreSQL has rolled all of it back.
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
        """Give the connection up if it has not answered for too long."""
        self._watch = None
        if not self.busy:
            return
        left = self._sent + POSTGRESQL_RESPONSE_TIMEOUT - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._fail(errors.Unavailable("The connection does not answer."), gone=True)

    def _fail(self, error: errors.Unavailable, *, gone: bool) -> None:
        """Close the connection. :param gone: whether the server is gone, so that other connections are not worth keeping"""
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
