"""A database on a PostgreSQL server."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import cast

import sqlalchemy as sa

from app.store.engine.address import Address
from app.store.engine.database import Database
from app.store.engine.engines import POSTGRESQL_SHORT_LOCK_TIMEOUT, POSTGRESQL_WRITERS_TIMEOUT, postgresql_engine
from app.store.engine.postgresql.connections import PostgreSQLConnections
from app.store.engine.postgresql.errors import PostgreSQLErrors
from app.store.engine.postgresql.session import (
    JoinedPostgreSQLSession,
    KeptSession,
    LoneStatement,
    PostgreSQLSession,
    statements_of,
)
from app.store.engine.scheduling import Scheduling
from app.store.engine.session import Session
from app.store.engine.unit_of_work import UnitOfWork
from app.store.schema.tables import flows, objects, policy_bindings, stage_bindings

# The tables that a transaction over several objects may write.
_WRITTEN = ", ".join(table.name for table in (flows, objects, stage_bindings, policy_bindings))

# The key of the advisory lock of a migration, chosen by this project.
_MIGRATION_LOCK = 7_203_981


class PostgreSQLDatabase(PostgreSQLConnections, Database):
    """A PostgreSQL database.

    :param address: of the server
    :param pool_size: the maximum number of connections of this process
    """

    name = "postgresql"
    shared = is_remote = True
    migration_begin = (
        "BEGIN",
        # Wait for the migration of another server without a limit.
        "SET LOCAL lock_timeout = 0",
        f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})",
    )
    size_query = "SELECT pg_database_size(current_database())"

    def __init__(self, address: Address, pool_size: int) -> None:
        super().__init__(address, postgresql_engine(address, pool_size), PostgreSQLErrors())
        # PostgreSQL prepares the statements itself, with `$1` instead of psycopg's `%s`.
        self._numeric = type(self.engine.dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # of each dialect
        self._pool_size = pool_size

    @property
    def _dialect(self) -> sa.Dialect:
        return self._numeric

    def read(self) -> contextlib.AbstractContextManager[Session]:
        """See `Database`."""
        kept: contextlib.AbstractContextManager[Session] | None = self._thread.kept
        return self._pooled_session() if kept is None else kept

    def write_once(self) -> contextlib.AbstractContextManager[PostgreSQLSession]:
        """See `Database`. The driver commits the statement: a single round trip."""
        self._begin_in_unit()
        return LoneStatement(self.read())

    @contextlib.contextmanager
    def serializable(self) -> Iterator[Session]:
        """See `Database`."""
        with self.write() as session:
            session.script("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            # The isolation level only covers transactions with the same level: all other writers wait for the lock.
            session.script(f"SET LOCAL lock_timeout = {POSTGRESQL_WRITERS_TIMEOUT}")
            session.script(f"LOCK TABLE {_WRITTEN} IN SHARE ROW EXCLUSIVE MODE")
            yield session

    @contextlib.contextmanager
    def upkeep(self) -> Iterator[Session]:
        """See `Database`."""
        with self.write() as session:
            session.script("SET LOCAL lock_timeout = 0")
            session.script("LOCK TABLE store_properties IN EXCLUSIVE MODE")
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Session]:
        """See `Database`."""
        with self._own_write() as session:
            session.script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield session

    def scheduling(self) -> Scheduling:
        """See `Database`."""
        return Scheduling(workers=self.workers())

    def tables(self, names: Collection[str]) -> set[str]:
        """See `Database`."""
        text = "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NOT NULL"
        with self.read() as session:
            return {name for (name,) in session.rows(self.compile(sa.text(text)), {"names": list(names)})}

    def is_pooled(self) -> bool:
        """See `Database`."""
        with self.read() as session:
            return not cast(PostgreSQLSession, session).direct

    def workers(self) -> tuple[int, Callable[[], None]]:
        """The number of threads that keep the database busy, and the function that each has to call first.

        Each keeps a connection, as getting one from the pool costs as much as a small statement; one is left for other use. A call
        on such a thread raises `WouldBlock` where it would have to wait for a lock.
        """
        count = max(1, self._pool_size - self._others())
        return count, partial(self._prepare_worker, keep=self._pool_size > count)

    def _others(self) -> int:
        """The number of connections that are not for `workers`."""
        return 1

    def _prepare_worker(self, *, keep: bool) -> None:
        self._thread.lock_timeout = POSTGRESQL_SHORT_LOCK_TIMEOUT
        if keep:
            self._thread.kept = KeptSession(self)

    def _joined(self, unit: UnitOfWork, session: Session) -> Session:
        return JoinedPostgreSQLSession(unit, session)

    @contextlib.contextmanager
    def _pooled_session(self) -> Iterator[Session]:
        try:
            generation = self._generation
            pooled = self.engine.raw_connection()
            statements = statements_of(pooled)
            statements.wait_for_locks(self.lock_timeout)
            session = PostgreSQLSession(statements, statements.begin)
            try:
                yield session
            except Exception as error:
                known = self.outcome(session, pooled.driver_connection, error, generation)
                if known is error:
                    raise
                raise known from error
            finally:
                if generation != self._generation:
                    # The pool is gone and would not close the connection.
                    pooled.invalidate()
                pooled.close()
        except self._errors.known as error:
            raise self.translated(error) from error
