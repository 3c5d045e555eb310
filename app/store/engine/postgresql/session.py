"""What executes statements in a networked database: a session, its connection, and the server's end of it."""

import contextlib
import select
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import sqlalchemy as sa

from app.store.engine.connections import Connections
from app.store.engine.engines import DIRECT, POSTGRESQL_SHORT_LOCK_TIMEOUT
from app.store.engine.session import Session

if TYPE_CHECKING:
    import psycopg

    from app.store.engine.postgresql.prepared import Statements


class NetworkedSession(Session):
    """A connection of a networked database, for the statements of one unit of work."""

    __slots__ = ()

    @property
    def direct(self) -> bool:
        """Whether its connection leads to one session of the server, and not to a pooler."""
        direct: bool = self._connection.direct
        return direct

    def expect_one(self) -> None:
        """The next statement stands alone: the driver commits it."""
        if ended(self._connection):
            # The statement must not be sent: whether it was carried out would be uncertain.
            self._connection.close()
        else:
            self.uncertain = True


class LoneStatement:
    """A session of a networked database, for one statement that writes and that the driver commits.

    :param session: what gives the session
    """

    __slots__ = ("_given", "_session")

    def __init__(self, session: contextlib.AbstractContextManager[Session]) -> None:
        self._given = session

    def __enter__(self) -> NetworkedSession:
        self._session = cast(NetworkedSession, self._given.__enter__())
        self._session.expect_one()
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._session.uncertain = False
        self._given.__exit__(kind, error, trace)


class KeptSession(NetworkedSession):
    """The session of one thread on a networked database; its connection lasts until the server is gone."""

    __slots__ = ("_database", "_generation", "_pooled")

    def __init__(self, database: Connections) -> None:
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


def statements_of(pooled: sa.PoolProxiedConnection) -> "Statements":
    """What executes statements on a networked database's connection. It stays with the connection."""
    from app.store.engine.postgresql.prepared import Statements

    known: Statements | None = pooled.info.get("statements")
    if known is None:
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        known = pooled.info["statements"] = Statements(connection, direct=pooled.info[DIRECT])
    return known


def ended(connection: Any) -> bool:
    """Whether a server has ended a connection on which nothing is under way: it has something to say then."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
