"""Requests of one small statement, run on the event loop's thread without blocking: their statements are sent to PostgreSQL with
those of others.

A write prepares its response before its result is known; the response is sent once the write is durable. A read starts, and is
repeated when the row has arrived, also for a token that is not known.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self, TypeVar

from app import errors
from app.execution import Unfinished, WouldBlock
from app.store.engine.postgresql.connections import PostgreSQLConnections
from app.store.engine.postgresql.pipelined_connections import PipelinedConnections
from app.store.engine.postgresql.prepared import Result, Values, sent
from app.store.engine.postgresql.session import Done, PostgreSQLSession
from app.store.engine.session import Query, Row

T = TypeVar("T")

# The maximum size of the values of a statement in bytes.
_LONGEST = 4096
# The maximum number of rows that a request reads: a token, a flow, and one more.
_MOST_READS = 3
# Connections for reads and for writes. A read must not wait until others' writes are on the disk.
_READING, _WRITING = 1, 2


@dataclass(slots=True, eq=False)
class _Read:
    """A statement that returns one row or none."""

    sql: str
    values: Values
    waiter: "asyncio.Future[None]"
    key: str = ""
    row: Row | None = None

    def end(self, result: Result) -> None:
        """See `Waiting`."""
        self.row = result.fetchone()
        if not self.waiter.done():
            self.waiter.set_result(None)

    def fail(self, error: errors.Unavailable) -> None:
        """See `Waiting`."""
        # The waiter is cancelled if the client has disconnected.
        if not self.waiter.done():
            self.waiter.set_exception(errors.SerializationFailure(str(error)))


@dataclass(slots=True, eq=False)
class _Write:
    """A statement that changes a row.

    :param key: of the row
    :param done: is called once with the returned row, or None; None if no row is needed
    """

    sql: str
    values: Values
    waiter: "asyncio.Future[None]"
    key: str
    done: Done | None

    def end(self, result: Result) -> None:
        """See `Waiting`."""
        if self.done is not None:
            row = result.fetchone()
            if row is None:
                self.fail(errors.SerializationFailure("Another request was faster."))
                return
            self._tell(row)
        if not self.waiter.done():
            self.waiter.set_result(None)

    def fail(self, error: errors.Unavailable) -> None:
        """See `Waiting`."""
        self._tell(None)
        # The waiter is cancelled if the client has disconnected.
        if not self.waiter.done():
            self.waiter.set_exception(error)

    def _tell(self, row: Row | None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done(row)


class PipelineSession(PostgreSQLSession):
    """The session of a request that must not block. It can read some rows, for each of which the request is repeated, and write one
    statement without waiting for its result.
    """

    __slots__ = ("_alone", "found", "read", "unit", "write")

    def __init__(self) -> None:
        super().__init__(None, "")
        self.unit = PipelineUnit(self)
        self.begin([])

    def begin(self, found: Sequence[_Read]) -> None:
        """Begin a request. :param found: the rows that it has read before"""
        self.found = found
        self.read: _Read | None = None
        self.write: _Write | None = None
        self._alone = False

    def row(self, query: Query, parameters: Mapping[str, Any] = {}) -> Row | None:
        """The first row of a query, None if there is none. :raises WouldBlock: it has not been read yet"""
        values = _values(query, parameters)
        for found in self.found:
            if (found.sql, found.values) == (query.sql, values):
                return found.row
        if len(self.found) < _MOST_READS and not self._alone:
            self.read = _Read(query.sql, values, asyncio.get_running_loop().create_future())
        raise WouldBlock

    def insert(self, query: Query, parameters: Mapping[str, Any], key: str) -> None:
        """Execute a statement that adds a row."""
        self._write(query, parameters, key, None)

    def expect(self, query: Query, parameters: Mapping[str, Any], key: str, done: Done) -> bool:
        """Execute a statement that returns a row if it changes one. :returns: True, as the result is not known yet"""
        self._write(query, parameters, key, done)
        return True

    def take_back(self) -> None:
        """Discard the pending write."""
        write, self.write = self.write, None
        if write is not None and write.done is not None:
            write.done(None)

    def expect_one(self) -> None:
        """Declare that the next statement writes and is the only one."""
        self._alone = True

    def _write(self, query: Query, parameters: Mapping[str, Any], key: str, done: Done | None) -> None:
        values = _values(query, parameters)
        if self.write is not None:
            raise WouldBlock
        self.write = _Write(query.sql, values, asyncio.get_running_loop().create_future(), key, done)

    def rows(self, query: Query, parameters: Mapping[str, Any] = {}) -> NoReturn:  # noqa: ARG002  # as in Session
        """:raises WouldBlock: always"""
        raise WouldBlock

    run = script = transaction = rows  # type: ignore[assignment]  # none of them can be had without waiting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class PipelineUnit:
    """The unit of work of a request: an exception discards its write."""

    __slots__ = ("_session",)

    def __init__(self, session: PipelineSession) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._session.take_back()


class Pipeline:
    """The pipeline that the requests of one event loop share: of the first loop that uses it.

    :param database: provides the connections
    """

    connections = _READING + _WRITING

    def __init__(self, database: PostgreSQLConnections) -> None:
        self.session = PipelineSession()
        self._database = database
        self._reading, self._writing = (
            PipelinedConnections(database, _READING),
            PipelinedConnections(database, _WRITING),
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = -1

    async def run(self, function: Callable[[], T]) -> T | None:
        """Call a function whose statements use `session`, and wait until its result is durable.

        :returns: None if it can't run without blocking; nothing was changed then
        :raises SerializationFailure: nothing was changed
        :raises Unavailable: it is unknown whether anything was changed
        """
        loop, session = asyncio.get_running_loop(), self.session
        found: list[_Read] = []
        while self._ready(loop):
            session.begin(found)
            result = None
            try:
                result = function()
            except WouldBlock:
                session.take_back()
                if session.read is None:
                    break
            except BaseException:
                session.take_back()
                raise
            read, write = session.read, session.write
            if type(result) is Unfinished:
                statement = result.statement
                try:
                    read = _Read(statement.query.sql, _values(*statement[:2]), loop.create_future())
                except WouldBlock:
                    break
                self._reading.add(read, loop)
                await read.waiter
                response: T = result.complete(read.row)
                return response
            if read is not None:
                self._reading.add(read, loop)
                await read.waiter
                found.append(read)
                continue
            if write is not None:
                self._writing.add(write, loop)
                await write.waiter
            return result
        return None

    @property
    def is_open(self) -> bool:
        """Whether all connections are open."""
        return self._reading.full and self._writing.full

    def close(self) -> None:
        """Close the connections."""
        for pool in (self._reading, self._writing):
            pool.close()

    def _ready(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether connections for this event loop are open."""
        if (
            loop is self._loop
            and self._generation == self._database.generation
            and self._reading.full
            and self._writing.full
        ):
            return True
        if loop is not self._loop:
            if self._loop is not None and not self._loop.is_closed():
                return False
            self._drop_all()
            self._loop = loop
        if self._generation != self._database.generation:
            self._drop_all()
            self._generation = self._database.generation
        for pool in (self._reading, self._writing):
            if not pool.full:
                pool.fill(loop)
        return len(self._reading) > 0 and len(self._writing) > 0

    def _drop_all(self) -> None:
        for pool in (self._reading, self._writing):
            pool.drop()


def _values(query: Query, parameters: Mapping[str, Any]) -> Values:
    """Encode the values of a statement. :raises WouldBlock: they are too long to be sent with those of others"""
    values = sent(query.bind(parameters))
    if sum(map(len, filter(None, values.values))) > _LONGEST:
        raise WouldBlock
    return values
