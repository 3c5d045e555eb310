"""The database: statements compiled once, and sessions and transactions that execute them on the driver's own connection.

SQLAlchemy's ORM and result processing cost several times what the database does on tables this flat, so `Query` keeps the driver's
SQL and binds parameters to it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

from app import determinism, errors
from app.store.engine.connections import Connections
from app.store.engine.engines import POSTGRESQL_SHORT_LOCK_TIMEOUT, POSTGRESQL_WRITERS_TIMEOUT
from app.store.engine.locking import pause
from app.store.engine.postgresql.session import KeptSession, LoneStatement, NetworkedSession, statements_of
from app.store.engine.session import Query, Row, Session
from app.store.engine.sqlite.session import SingleStatement, ThreadSession
from app.store.engine.unit_of_work import JoinedSession, UnitOfWork
from app.store.schema.tables import flows, objects, policy_bindings, stage_bindings

if TYPE_CHECKING:
    from app.store.engine.postgresql.pipeline import Pipeline

__all__ = ["Database", "Query", "Row", "Session"]

T = TypeVar("T")

# The tables that a transaction of several objects may write.
_WRITTEN = ", ".join(table.name for table in (flows, objects, stage_bindings, policy_bindings))

# From so many connections on, some of them are for statements that are sent together.
_PIPELINED = 6


class Database(Connections):
    """One database.

    :param url: as SQLAlchemy has it: `sqlite:///PATH` or `postgresql://...`
    :param pool_size: the most connections of one process
    :raises ValueError: the URL is none, or of another kind of database
    :raises Unavailable: there is no place for an embedded database
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        super().__init__(url, pool_size)
        if self.embedded:
            self._dialect = self.engine.dialect
        else:
            # Statements are prepared by PostgreSQL itself, which has `$1` for psycopg's `%s`.
            self._dialect = type(self.engine.dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # of each dialect
        self._pool_size = pool_size
        self._pipeline: Pipeline | None = None if self.embedded or pool_size < _PIPELINED else _pipeline(self)

    def compile(self, statement: ClauseElement) -> Query:
        """A statement as SQL of the driver."""
        return Query(statement, self._dialect)

    def read(self) -> contextlib.AbstractContextManager["Session"]:
        """A session for one reading statement, in autocommit: a single round trip.

        :raises Unavailable: the database does not answer
        """
        if self.embedded:
            return self._thread_session()
        kept: KeptSession | JoinedSession | None = getattr(self._thread, "kept", None)
        return self._pooled_session() if kept is None else kept

    @contextlib.contextmanager
    def write(self) -> Iterator["Session"]:
        """A session for one transaction, committed at the end and rolled back if anything is raised.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        self._begin_in_unit()
        with self._own_write() as session:
            yield session

    @contextlib.contextmanager
    def serializable(self) -> Iterator["Session"]:
        """A session for one serializable transaction, committed at the end and rolled back if anything is raised.

        :raises TakenBack: a concurrent transaction conflicts with it; nothing was changed
        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken, which on a networked database may have happened meanwhile
        """
        with self.write() as session:
            # An embedded database has one writer at a time.
            if not self.embedded:
                session.script("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                # The isolation level orders only transactions that have it as well: all other writers wait for the lock.
                session.script(f"SET LOCAL lock_timeout = {POSTGRESQL_WRITERS_TIMEOUT}")
                session.script(f"LOCK TABLE {_WRITTEN} IN SHARE ROW EXCLUSIVE MODE")
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator["Session"]:
        """A session for several reading statements, which all see the database as the first one does.

        :raises Unavailable: the database does not answer
        """
        if self.embedded and not (alone := self._thread_session()).shares:
            # Without others that write in the same transaction, nobody is in the way of a writer.
            with alone as session:
                session.script("BEGIN")
                try:
                    yield session
                finally:
                    session.script("ROLLBACK")
            return
        with self._own_write() as session:
            if not self.embedded:
                session.script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield session

    def version(self) -> tuple[int, int] | None:
        """What differs after each change of an embedded database, whoever makes it (SQLite, `PRAGMA data_version`).

        :returns: None if changes are under way
        :raises Unavailable: the database does not answer
        """
        with self._thread_session() as session:
            return session.version()

    def group_commits(self) -> None:
        """Let the transactions of an event loop's thread share commits: see `pending_commit`."""
        self.grouped = self.embedded
        self.turnstile.share()

    def together(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T | None]:
        """Call a function on the thread of a running event loop; its statements are sent to a networked database with others.

        :returns: what it returns, once that holds. None if the function can't do without waiting; nothing was changed then
        :raises TakenBack: nothing was changed after all
        :raises Unavailable: nobody knows whether anything was changed
        """
        # Who is called again may use up random bytes, and when that happens is up to chance.
        if self._pipeline is None or determinism.is_fixed():
            return _nothing()
        return self._pipeline.carry_out(partial(self._without_waiting, self._pipeline.session, function, *arguments))

    def _without_waiting(self, session: Session, function: Callable[..., T], *arguments: Any) -> T:
        self._thread.kept = session
        try:
            return function(*arguments)
        finally:
            del self._thread.kept

    @property
    def _is_pipelined(self) -> bool:
        """Whether this is a call of `together`."""
        return self._pipeline is not None and getattr(self._thread, "kept", None) is self._pipeline.session

    @property
    def lock_timeout(self) -> int:
        """How many milliseconds this thread waits for a lock: none within a call of `together`, few if it is one of `workers`."""
        return 0 if self._is_pipelined else super().lock_timeout

    def pending_commit(self) -> asyncio.Future[None] | None:
        """What has to be done before anything that was written or read in this turn of the event loop may be told.

        :returns: None if nothing is open; otherwise it raises `Unavailable` if the commit fails, `Locked` if nothing was changed
            and that is worth trying again
        """
        session: ThreadSession | None = getattr(self._thread, "session", None)
        return session.group.pending() if session is not None else None

    async def unlocked(self, error: errors.Locked, began: float) -> None:
        """Wait, on the thread of a running event loop, until a request that found the database locked may be carried out again.

        :param error: what it was told
        :param began: when it began to wait, in seconds of the loop's clock
        :raises Unavailable: it has waited for as long as it may
        """
        if error.write:
            await self._thread_session().group.queue.wait(error, began)
        else:
            await pause(error, began)

    def write_once(self) -> contextlib.AbstractContextManager["Session"]:
        """A session for one writing statement, which is a transaction by itself: a single round trip.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        self._begin_in_unit()
        return SingleStatement(self._thread_session()) if self.embedded else LoneStatement(self.read())

    def turn(self) -> contextlib.AbstractContextManager["Session"]:
        """A session to read and lock a row, and then for one statement that writes: nobody comes between.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        if self.embedded and (session := self._thread_session()).shares:
            return SingleStatement(session)
        return self.write()

    def unit_of_work(self) -> contextlib.AbstractContextManager[Any]:
        """What a request writes, all of which is undone if anything is raised, whatever was committed in it."""
        if self.embedded and (session := self._thread_session()).shares:
            return session.group
        return (
            self._pipeline.session.unit
            if self._pipeline is not None and self._is_pipelined
            else UnitOfWork(self._thread)
        )

    def _begin_in_unit(self) -> None:
        """Let what is written now belong to the unit of work of this thread, if there is one."""
        unit: UnitOfWork | None = getattr(self._thread, "unit", None)
        if unit is not None and not unit.begun:
            unit.begin(self._own_write())

    @contextlib.contextmanager
    def _own_write(self) -> Iterator["Session"]:
        kept: KeptSession | JoinedSession | None = getattr(self._thread, "kept", None)
        with self.read() if kept is None else kept as session, session.transaction():
            yield session

    def workers(self) -> tuple[int, Callable[[], None]]:
        """How many threads a networked database keeps busy, and what each of them has to call first: each keeps a connection, and
        one is left for all others; of a larger pool another one, for what takes long. Taking one from the pool costs as much as a
        small statement. What a thread carries out raises `WouldWait` where it would have to wait for a lock.
        """
        others = 1 if self._pipeline is None else 2 + self._pipeline.connections
        count = max(1, self._pool_size - others)
        return count, partial(self._prepare_worker, keep=self._pool_size > count)

    def _prepare_worker(self, *, keep: bool) -> None:
        self._thread.lock_timeout = POSTGRESQL_SHORT_LOCK_TIMEOUT
        if keep:
            self._thread.kept = KeptSession(self)

    def _thread_session(self) -> "ThreadSession":
        try:
            session: ThreadSession = self._thread.session
        except AttributeError:
            session = self._thread.session = ThreadSession(self)
        return session

    @contextlib.contextmanager
    def _pooled_session(self) -> Iterator["Session"]:
        try:
            generation = self._generation
            pooled = self.engine.raw_connection()
            statements = statements_of(pooled)
            statements.wait_for_locks(self.lock_timeout)
            session = NetworkedSession(statements, statements.begin)
            try:
                yield session
            except Exception as error:
                known = self.outcome(session, pooled.driver_connection, error, generation)
                if known is error:
                    raise
                raise known from error
            finally:
                if generation != self._generation:
                    # Its pool is gone, and nobody would close it.
                    pooled.invalidate()
                pooled.close()
        except self._errors.known as error:
            raise self.translated(error) from error

    def size(self) -> int:
        """How many bytes the database takes. :raises Unavailable: it does not answer"""
        pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        query = self.compile(sa.text(pages if self.embedded else "SELECT pg_database_size(current_database())"))
        with self.read() as session:
            (size,) = session.row(query) or (0,)
        return int(size)

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        if self._pipeline is not None:
            self._pipeline.close()
        super().close()


async def _nothing() -> None:
    """What can't be done together with others."""


def _pipeline(database: Database) -> "Pipeline":
    # It needs the driver.
    from app.store.engine.postgresql.pipeline import Pipeline

    return Pipeline(database)
