"""Requests that are one small statement, carried out on an event loop's thread without waiting: their statements are sent to
PostgreSQL with those of others.

Who writes need not know what became of it to have its response ready; the response leaves when the write is kept. Who reads
begins, and
begins again when the row is there: a token that is not known is such a row too.
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

# Bytes of the values of a statement, at most.
_LONGEST = 4096
# Rows that a request reads, at most: a token, a flow, and one more.
_MOST_READS = 3
# Connections for reads and for writes. A read must not wait until what others have written is on the disk.
_READING, _WRITING = 1, 2


@dataclass(slots=True, eq=False)
class _Read:
    """A statement that answers a row, or none."""

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
        # Whose client has gone waits no more.
        if not self.waiter.done():
            self.waiter.set_exception(errors.SerializationFailure(str(error)))


@dataclass(slots=True, eq=False)
class _Write:
    """A statement that changes a row.

    :param key: of the row
    :param done: is told once of the row that the statement answers, or None; None if it need not answer any
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
                self.fail(errors.SerializationFailure("Somebody else was quicker."))
                return
            self._tell(row)
        if not self.waiter.done():
            self.waiter.set_result(None)

    def fail(self, error: errors.Unavailable) -> None:
        """See `Waiting`."""
        self._tell(None)
        # Whose client has gone waits no more.
        if not self.waiter.done():
            self.waiter.set_exception(error)

    def _tell(self, row: Row | None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done(row)


class PipelineSession(PostgreSQLSession):
    """The session of a request that must not wait. It can read some rows, for each of which the request begins again, and write one
    statement, of which it does not learn more than that it was sent.
    """

    __slots__ = ("_alone", "found", "read", "unit", "write")

    def __init__(self) -> None:
        super().__init__(None, "")
        self.unit = PipelineUnit(self)
        self.begin([])

    def begin(self, found: Sequence[_Read]) -> None:
        """Serve one request. :param found: what it has read before"""
        self.found = found
        self.read: _Read | None = None
        self.write: _Write | None = None
        self._alone = False

    def row(self, query: Query, parameters: Mapping[str, Any] = {}) -> Row | None:
        """The first row that a query answers, None if there is none. :raises WouldBlock: it has not been read yet"""
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
        """Execute a statement that answers a row if it changes one. :returns: True, as nothing is known yet"""
        self._write(query, parameters, key, done)
        return True

    def take_back(self) -> None:
        """Write nothing after all."""
        write, self.write = self.write, None
        if write is not None and write.done is not None:
            write.done(None)

    def expect_one(self) -> None:
        """The next statement stands alone, and writes."""
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
    """What a request writes: nothing if anything is raised."""

    __slots__ = ("_session",)

    def __init__(self, session: PipelineSession) -> None:
        self._session = session

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._session.take_back()


class Pipeline:
    """What the requests of an event loop, the first that asks, share.

    :param database: its connections
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
        """Call a function whose statements are those of `session`, and wait until what it returns holds.

        :returns: None if it can't do without waiting; nothing was changed then
        :raises TakenBack: nothing was changed after all
        :raises Unavailable: nobody knows whether anything was changed
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
        """Whether it has all of its connections."""
        return self._reading.full and self._writing.full

    def close(self) -> None:
        """Close the connections."""
        for pool in (self._reading, self._writing):
            pool.close()

    def _ready(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there are connections for this event loop."""
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
    """The values of a statement as they are sent. :raises WouldBlock: they are too long to be sent with those of others"""
    values = sent(query.bind(parameters))
    if sum(map(len, filter(None, values.values))) > _LONGEST:
        raise WouldBlock
    return values
