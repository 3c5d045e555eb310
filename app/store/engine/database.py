"""The database: sessions and transactions, which an engine implements. `factory` chooses the engine."""

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
    """One database."""

    name: ClassVar[str]
    """The name of the engine, as SQLAlchemy has it."""

    shared: ClassVar[bool]
    """Whether servers of several machines may share the database, so that an operator decides when it is migrated."""

    is_remote: ClassVar[bool]
    """Whether a statement waits for a network, so that no event loop should wait for it."""

    migration_begin: ClassVar[tuple[str, ...]]
    """The statements that begin a migration. Servers that start together migrate one after the other."""

    size_query: ClassVar[str]
    """The statement that tells how many bytes the database takes."""

    @property
    def serves_threads(self) -> bool:
        """Whether each thread can have a connection."""
        return True

    def compile(self, statement: ClauseElement) -> Query:
        """A statement as SQL of the driver."""
        return Query(statement, self._dialect)

    @property
    def _dialect(self) -> sa.Dialect:
        return self.engine.dialect

    @abstractmethod
    def read(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one reading statement, in autocommit: a single round trip.

        :raises Unavailable: the database does not answer
        """

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session for one transaction, committed at the end and rolled back if anything is raised.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        self._begin_in_unit()
        with self._own_write() as session:
            yield session

    def write_once(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one writing statement, which is a transaction by itself.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        return self.write()

    @abstractmethod
    def serializable(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one serializable transaction, committed at the end and rolled back if anything is raised.

        :raises TakenBack: a concurrent transaction conflicts with it; nothing was changed
        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken, which on PostgreSQL may have happened meanwhile
        """

    @abstractmethod
    def upkeep(self) -> contextlib.AbstractContextManager[Session]:
        """A session for one transaction of a start. Servers that start together do this one after the other.

        :raises Unavailable: the database does not answer
        """

    @abstractmethod
    def snapshot(self) -> contextlib.AbstractContextManager[Session]:
        """A session for several reading statements, which all see the database as the first one does.

        :raises Unavailable: the database does not answer
        """

    def unit_of_work(self) -> contextlib.AbstractContextManager[Any]:
        """What a request writes, all of which is undone if anything is raised, whatever was committed in it."""
        return UnitOfWork(self._thread, self._joined)

    def scheduling(self) -> Scheduling:
        """Prepare to serve the requests of event loops. :returns: how they are run on this database"""
        return Scheduling()

    def change_counter(self) -> Callable[[], Hashable | None] | None:
        """A function whose result differs after each change of the database, whoever makes it.

        :returns: None if that can't be told cheaply
        """
        return None

    @abstractmethod
    def tables(self, names: Collection[str]) -> set[str]:
        """The tables among some names. :raises Unavailable: the database does not answer"""

    def size(self) -> int:
        """How many bytes the database takes. :raises Unavailable: it does not answer"""
        with self.read() as session:
            (size,) = session.row(self.compile(sa.text(self.size_query))) or (0,)
        return int(size)

    def is_pooled(self) -> bool:
        """Whether connections lead to a pooler, and not to the database itself. :raises Unavailable: it does not answer"""
        return False

    def _joined(self, unit: UnitOfWork, session: Session) -> Session:
        """The session of a unit of work. :param session: the session that has begun its transaction"""
        return JoinedSession(unit, session)

    def _begin_in_unit(self) -> None:
        """Let what is written now belong to the unit of work of this thread, if there is one."""
        unit: UnitOfWork | None = getattr(self._thread, "unit", None)
        if unit is not None and not unit.begun:
            unit.begin(self._own_write())

    @contextlib.contextmanager
    def _own_write(self) -> Iterator[Session]:
        kept: Any = getattr(self._thread, "kept", None)
        with self.read() if kept is None else kept as session, session.transaction():
            yield session
