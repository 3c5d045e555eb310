"""The interface of a database: sessions and transactions. `factory` chooses the implementation."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

from app.store.engine.connections import Connections
from app.store.engine.scheduling import Scheduling
from app.store.engine.session import Query, Row, Session
from app.store.engine.unit_of_work import JoinedSession, UnitOfWork

__all__ = ["Database", "Query", "Row", "Session"]


class Database(Connections, ABC):
    """A database, as the interface of its engine."""

    name: ClassVar[str]
    """The name of the engine in SQLAlchemy."""

    shared: ClassVar[bool]
    """Whether servers on several machines may share the database, so that an operator decides when to migrate it."""

    is_remote: ClassVar[bool]
    """Whether statements wait for a network, so that the event loop must not run them."""

    migration_begin: ClassVar[tuple[str, ...]]
    """The statements that begin a migration. They serialize servers that start at the same time."""

    size_query: ClassVar[str]
    """The query for the size of the database in bytes."""

    @property
    def serves_threads(self) -> bool:
        """Whether each thread can have its own connection."""
        return True

    def compile(self, statement: ClauseElement) -> Query:
        """Compile a statement to the SQL of the driver."""
        return Query(statement, self._dialect)

    @property
    def _dialect(self) -> sa.Dialect:
        return self.engine.dialect

    @abstractmethod
    def read(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one statement that reads, in autocommit: a single round trip.

        :raises Unavailable: the database does not respond
        """

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session for one transaction, committed at the end and rolled back on an exception.

        :raises Unavailable: the database does not respond
        :raises NotUnique: a value is taken
        """
        self._begin_in_unit()
        with self._own_write() as session:
            yield session

    def write_once(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one statement that writes, in its own transaction.

        :raises Unavailable: the database does not respond
        :raises NotUnique: a value is taken
        """
        return self.write()

    @abstractmethod
    def serializable(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one serializable transaction, committed at the end and rolled back on an exception.

        :raises SerializationFailure: a concurrent transaction conflicts with it; nothing was changed
        :raises Unavailable: the database does not respond
        :raises NotUnique: a value is taken, on PostgreSQL possibly by a concurrent transaction
        """

    @abstractmethod
    def upkeep(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one transaction at start-up. It serializes servers that start at the same time.

        :raises Unavailable: the database does not respond
        """

    @abstractmethod
    def snapshot(self) -> contextlib.AbstractContextManager[Session]:
        """A session for several statements that read one snapshot, that of the first statement.

        :raises Unavailable: the database does not respond
        """

    def unit_of_work(self) -> contextlib.AbstractContextManager[Any]:
        """The unit of work of a request: an exception rolls back all of its writes, also committed ones."""
        return UnitOfWork(self._thread, self._joined)

    def scheduling(self) -> Scheduling:
        """Prepare to serve the requests of event loops. :returns: how to run them on this database"""
        return Scheduling()

    def change_counter(self) -> Callable[[], Hashable | None] | None:
        """A function whose result differs after each change of the database by any process.

        :returns: None if the engine has no cheap way to tell
        """
        return None

    @abstractmethod
    def tables(self, names: Collection[str]) -> set[str]:
        """The existing tables among some names. :raises Unavailable: the database does not respond"""

    def size(self) -> int:
        """The size of the database in bytes. :raises Unavailable: it does not respond"""
        with self.read() as session:
            (size,) = session.row(self.compile(sa.text(self.size_query))) or (0,)
        return int(size)

    def is_pooled(self) -> bool:
        """Whether connections lead to a connection pooler. :raises Unavailable: it does not respond"""
        return False

    def _joined(self, unit: UnitOfWork, session: Session) -> Session:
        """The session of a unit of work. :param session: the session that has begun the transaction"""
        return JoinedSession(unit, session)

    def _begin_in_unit(self) -> None:
        """Begin the transaction of this thread's unit of work, if there is one."""
        unit: UnitOfWork | None = self._thread.unit
        if unit is not None and not unit.begun:
            unit.begin(self._own_write())

    @contextlib.contextmanager
    def _own_write(self) -> Iterator[Session]:
        kept: Any = self._thread.kept
        with self.read() if kept is None else kept as session, session.transaction():
            yield session
