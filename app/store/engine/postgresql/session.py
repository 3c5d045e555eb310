"""Sessions of PostgreSQL, and the connections of their statements."""

import contextlib
import select
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, cast

import psycopg
import sqlalchemy as sa

from app.store.engine.engines import DIRECT, POSTGRESQL_SHORT_LOCK_TIMEOUT
from app.store.engine.postgresql.connections import PostgreSQLConnections
from app.store.engine.postgresql.prepared import Statements
from app.store.engine.session import Query, Row, Session
from app.store.engine.unit_of_work import JoinedSession

Done = Callable[[Row | None], None]


class PostgreSQLSession(Session):
    """A session of PostgreSQL, for the statements of one unit of work."""

    __slots__ = ()

    @property
    def direct(self) -> bool:
        """Whether the connection has one session of the server, without a pooler."""
        direct: bool = self._connection.direct
        return direct

    def insert(self, query: Query, parameters: Mapping[str, Any], key: str) -> None:  # noqa: ARG002  # for pipelines
        """Execute a statement that adds a row. :param key: of the row"""
        self._connection.execute(query.sql, query.bind(parameters))

    def expect(
        self,
        query: Query,
        parameters: Mapping[str, Any],
        key: str,  # noqa: ARG002  # for pipelines
        done: Done,
    ) -> bool:
        """Execute a statement that returns a row if it changes one.

        :param key: of the row that it changes
        :param done: is called with the row; with None if nothing was changed
        :returns: whether a row is changed, as far as known
        """
        row = self.row(query, parameters)
        done(row)
        return row is not None

    def expect_one(self) -> None:
        """Declare that the next statement is the only one: the driver commits it."""
        if ended(self._connection):
            # The statement must not be sent: whether it was executed would be unknown.
            self._connection.close()
        else:
            self.uncertain = True


class LoneStatement:
    """A session for one statement that writes, committed by the driver.

    :param session: a context manager of the session
    """

    __slots__ = ("_given", "_session")

    def __init__(self, session: contextlib.AbstractContextManager[Session]) -> None:
        self._given = session

    def __enter__(self) -> PostgreSQLSession:
        self._session = cast(PostgreSQLSession, self._given.__enter__())
        self._session.expect_one()
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._session.uncertain = False
        self._given.__exit__(kind, error, trace)


class KeptSession(PostgreSQLSession):
    """The session of one thread, with a connection until the server is gone."""

    __slots__ = ("_database", "_generation", "_pooled")

    def __init__(self, database: PostgreSQLConnections) -> None:
        super().__init__(None, "")
        self._database = database
        self._generation = -1
        self._pooled: sa.PoolProxiedConnection | None = None

    def __enter__(self) -> Self:
        if self._generation != self._database.generation:
            self._connect()
        self.uncertain = False
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        if (known := self._database.outcome(self, self._connection, error, self._generation)) is not error:
            raise known from error

    def _connect(self) -> None:
        if self._pooled is not None:
            self._database.discard(self._pooled)
            self._pooled = None
        generation = self._database.generation
        self._pooled = self._database.take_out()
        self._connection = statements_of(self._pooled)
        with self._database.translating():
            self._connection.wait_for_locks(POSTGRESQL_SHORT_LOCK_TIMEOUT, always=True)
        self._begin = self._connection.begin
        self._generation = generation


class JoinedPostgreSQLSession(JoinedSession, PostgreSQLSession):
    """The session of a unit of work on PostgreSQL."""

    __slots__ = ()

    def expect_one(self) -> None:
        """Do nothing: the transaction of the unit commits the statement."""


def statements_of(pooled: sa.PoolProxiedConnection) -> Statements:
    """The prepared statements of a connection of the pool, kept with the connection."""
    known: Statements | None = pooled.info.get("statements")
    if known is None:
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        known = pooled.info["statements"] = Statements(connection, direct=pooled.info[DIRECT])
    return known


def ended(connection: Any) -> bool:
    """Whether the server has closed an idle connection: it has sent input then."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
