"""Writes of the requests that arrive together on one event loop, sent to PostgreSQL together: one round trip and one commit.

A request need not know what became of its write to have its answer ready; the answer leaves when the write is kept. Several writes
are one transaction (libpq, "Pipeline Mode"): if one fails, none is kept, and each request is carried out again by itself.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import psycopg
import sqlalchemy as sa

from app import errors
from app.store.networked import NetworkedSession, ended, statements_of
from app.store.session import Done, Query
from app.store.statements import Result, Values, sent

if TYPE_CHECKING:
    from app.store.database import Database

# Writes that share a commit at most, and bytes of one: what is sent must fit into the buffers of a socket, as a loop must not wait.
_MOST, _LONGEST = 32, 4096
# How long a write waits for a row that another transaction has locked, and all those with it. Who needs longer waits by itself.
_LOCK_TIMEOUT = "0.1s"
# Seconds until a connection is tried again after one that failed.
_PAUSE = 1.0


@dataclass(slots=True, eq=False)
class _Write:
    """A statement that has not been sent, or not been answered.

    :param key: what it writes to. Writes go in the order of their keys, so that two connections do not wait for each other
    :param done: is told once of the row that the statement answers, or None; None if it need not answer any
    """

    sql: str
    values: Values
    key: str
    done: Done | None
    waiter: "asyncio.Future[None]"

    def end(self, result: Result) -> None:
        """Tell who waits that it is kept, or that it has changed nothing."""
        if self.done is not None:
            row = result.fetchone()
            if row is None:
                self.fail(errors.TakenBack("Somebody else was quicker."))
                return
            self.done(row)
        if not self.waiter.done():
            self.waiter.set_result(None)

    def fail(self, error: errors.Unavailable) -> None:
        """Tell who waits why it is not kept, or may not be."""
        if self.done is not None:
            self.done(None)
        # Whose client has gone waits no more.
        if not self.waiter.done():
            self.waiter.set_exception(error)


class PipelineSession(NetworkedSession):
    """The session of a request that must not wait: it can write one statement, of which it does not learn more than that it was
    sent.
    """

    __slots__ = ("write",)

    def __init__(self) -> None:
        super().__init__(None, "")
        self.write: _Write | None = None

    def insert(self, query: Query, parameters: Mapping[str, Any], key: str) -> None:
        """Execute a statement that adds a row."""
        self._send(query, parameters, key, None)

    def expect(self, query: Query, parameters: Mapping[str, Any], key: str, done: Done) -> bool:
        """Execute a statement that answers a row if it changes one. :returns: True, as nothing is known yet"""
        self._send(query, parameters, key, done)
        return True

    def take_back(self) -> None:
        """Write nothing after all."""
        write, self.write = self.write, None
        if write is not None and write.done is not None:
            write.done(None)

    def expect_one(self) -> None:
        """The next statement stands alone."""

    def _send(self, query: Query, parameters: Mapping[str, Any], key: str, done: Done | None) -> None:
        values = sent(query.bind(parameters))
        if self.write is not None or sum(map(len, filter(None, values.values))) > _LONGEST:
            raise errors.WouldWait
        self.write = _Write(query.sql, values, key, done, asyncio.get_running_loop().create_future())

    def rows(self, query: Query, parameters: Mapping[str, Any] = {}) -> NoReturn:  # noqa: ARG002  # as in Session
        """:raises WouldWait: always"""
        raise errors.WouldWait

    row = run = script = transaction = rows  # type: ignore[assignment]  # none of them can be had without waiting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Pipeline:
    """The writes of an event loop, the first that asks, and the connections that they take.

    :param database: a networked one
    """

    lanes = 2
    """How many connections: while one waits for its commit, another one takes what has arrived since."""

    def __init__(self, database: "Database") -> None:
        self.session = PipelineSession()
        self._database = database
        self._lanes: list[_Lane] = []
        self._waiting: list[_Write] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = -1
        self._opening: _Opening | None = None
        self._not_before = 0.0

    def begin(self) -> PipelineSession | None:
        """A session for one request of the running event loop; None if it is another one, or there is no connection yet."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self._loop is not None and not self._loop.is_closed():
                return None
            self._drop_all()
            self._loop = loop
        if self._generation != self._database.generation:
            self._drop_all()
            self._generation = self._database.generation
        if len(self._lanes) < self.lanes:
            self._open(loop)
        return self.session if self._lanes else None

    def end(self) -> "asyncio.Future[None] | None":
        """Send what the session was told to write.

        :returns: what has to be done before anything of it may be told; None if it is nothing
        """
        write, self.session.write = self.session.write, None
        if write is None:
            return None
        if not self._waiting:
            write.waiter.get_loop().call_soon(self.go_on)
        self._waiting.append(write)
        return write.waiter

    def go_on(self) -> None:
        """Send what waits, on connections that have nothing to do."""
        for lane in [*self._lanes]:
            if self._waiting and not lane.busy:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                lane.send(sorted(batch, key=lambda write: write.key))

    def lost(self, lane: "_Lane") -> None:
        """Do without a connection."""
        self._lanes.remove(lane)
        if not self._lanes:
            waiting, self._waiting = self._waiting, []
            for write in waiting:
                write.fail(errors.TakenBack("There is no connection."))

    def close(self) -> None:
        """Close the connections."""
        if self._opening is not None and (pooled := self._opening.opened(wait=True)) is not None:
            self._database.discard(pooled)
        self._opening = None
        self._drop_all()

    def _drop_all(self) -> None:
        for lane in [*self._lanes]:
            lane.drop()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take up a connection that was opened, and have another one opened."""
        if self._opening is not None:
            if self._opening.is_alive():
                return
            opened, self._opening = self._opening, None
            if (pooled := opened.opened()) is not None:
                self._not_before = 0.0
                self._lanes.append(_Lane(self, self._database, loop, pooled, opened.generation))
        if len(self._lanes) < self.lanes and loop.time() >= self._not_before:
            self._not_before = loop.time() + _PAUSE
            self._opening = _Opening(self._database)
            self._opening.start()


class _Opening(threading.Thread):
    """Opens a connection, which takes as long as the network does."""

    def __init__(self, database: "Database") -> None:
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
            statements_of(pooled).execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        except psycopg.Error:
            self._database.discard(pooled)
        else:
            self._pooled = pooled

    def opened(self, *, wait: bool = False) -> sa.PoolProxiedConnection | None:
        """The connection; None if there is none to be had."""
        if wait:
            self.join()
        return self._pooled


class _Lane:
    """A connection that sends writes together."""

    def __init__(
        self,
        pipeline: Pipeline,
        database: "Database",
        loop: asyncio.AbstractEventLoop,
        pooled: sa.PoolProxiedConnection,
        generation: int,
    ) -> None:
        self._pipeline = pipeline
        self._database = database
        self._loop = loop
        self._pooled = pooled
        self._generation = generation
        self._statements = statements_of(pooled)
        self._statements.begin_pipeline()
        self._file = self._statements.fileno()
        self._batch: list[_Write] = []
        loop.add_reader(self._file, self._readable)

    @property
    def busy(self) -> bool:
        """Whether it waits for an answer."""
        return bool(self._batch)

    def send(self, batch: list[_Write]) -> None:
        """Send some writes. :param batch: in their order"""
        self._batch = batch
        if ended(self._statements):
            self._fail(errors.TakenBack("The connection has ended."))
            return
        try:
            self._statements.send([(write.sql, write.values) for write in batch])
        except psycopg.Error as error:
            self._fail(errors.Unavailable(str(error)))

    def drop(self) -> None:
        """Close the connection. What is under way may have been kept or not."""
        self._fail(errors.Unavailable("The connection is given up."))

    def _readable(self) -> None:
        try:
            results = self._statements.received()
        except psycopg.Error as error:
            self._fail(errors.Unavailable(str(error)))
            return
        if results is None:
            return
        batch, self._batch = self._batch, []
        self._pipeline.go_on()
        if isinstance(results, psycopg.Error):
            # PostgreSQL has taken all of it back.
            for write in batch:
                write.fail(errors.TakenBack(str(results)))
            return
        for write, result in zip(batch, results, strict=True):
            write.end(result)

    def _fail(self, error: errors.Unavailable) -> None:
        batch, self._batch = self._batch, []
        if not self._loop.is_closed():
            self._loop.remove_reader(self._file)
        self._database.discard(self._pooled)
        self._database.lost(self._generation)
        self._pipeline.lost(self)
        for write in batch:
            write.fail(error)
