"""The database: SQLAlchemy's pool and dialect, statements compiled once, executed on the driver's own connection.

SQLAlchemy's ORM and result processing cost several times what the database does on tables this flat, so `Query` keeps the driver's
SQL and binds parameters to it.
"""

import asyncio
import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

from app import errors
from app.store.address import Address, address_of
from app.store.grouping import CommitGroup
from app.store.tables import metadata

# How long a writer waits for another one, in milliseconds.
SQLITE_BUSY_TIMEOUT = 5_000
# How long to wait for a PostgreSQL server to answer at connect, in seconds.
POSTGRESQL_CONNECT_TIMEOUT = 5
# How long a statement may run on PostgreSQL, in milliseconds.
POSTGRESQL_STATEMENT_TIMEOUT = 15_000

Row = Sequence[Any]


class Query:
    """A statement as SQL of the driver, compiled once.

    :param sql: the text, with the driver's placeholders
    :param names: the parameters in the order of their placeholders; None if the driver takes a mapping
    :param constants: values of parameters that the statement itself holds
    """

    __slots__ = ("_constants", "_names", "sql")

    def __init__(self, sql: str, names: tuple[str, ...] | None, constants: Mapping[str, Any]) -> None:
        self.sql = sql
        self._names = names
        self._constants = constants

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        """Parameters in the form that the driver takes."""
        values = {**self._constants, **parameters} if self._constants else parameters
        return values if self._names is None else [values[name] for name in self._names]


class Database:
    """One database.

    :param url: as SQLAlchemy has it: `sqlite:///PATH` or `postgresql://...`
    :param pool_size: the most connections of one process
    :raises ValueError: the URL is none, or of another kind of database
    :raises Unavailable: there is no place for an embedded database
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.address = address_of(url)
        self.embedded = self.address.embedded
        self.engine = _sqlite_engine(self.address) if self.embedded else _postgresql_engine(self.address.url, pool_size)
        if self.embedded:
            self.begin = "BEGIN IMMEDIATE"
            self._integrity_error: type[Exception] = sqlite3.IntegrityError
            driver_error: type[Exception] = sqlite3.OperationalError
        else:
            import psycopg

            self.begin = "BEGIN"
            self._integrity_error = psycopg.errors.UniqueViolation
            driver_error = psycopg.OperationalError
        self._unavailable: tuple[type[Exception], ...] = (driver_error, sa.exc.DatabaseError, sa.exc.TimeoutError)
        self.grouped = False
        # What a thread of an embedded database keeps for itself, and all that threads keep.
        self._thread = threading.local()
        self._checked_out: list[sa.PoolProxiedConnection] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(self))

    def compile(self, statement: ClauseElement) -> Query:
        """A statement as SQL of the driver."""
        compiled = statement.compile(dialect=self.engine.dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        names = tuple(compiled.positiontup) if compiled.positiontup is not None else None  # type: ignore[attr-defined]  # set by SQLCompiler
        return Query(str(compiled), names, constants)

    def read(self) -> contextlib.AbstractContextManager["Session"]:
        """A session for one reading statement, in autocommit: a single round trip.

        :raises Unavailable: the database does not answer
        """
        return self._thread_session() if self.embedded else self._pooled_session()

    @contextlib.contextmanager
    def write(self) -> Iterator["Session"]:
        """A session for one transaction, committed at the end and rolled back if anything is raised.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        with self.read() as session, session.transaction():
            yield session

    @contextlib.contextmanager
    def snapshot(self) -> Iterator["Session"]:
        """A session for several reading statements, which all see the database as the first one does.

        :raises Unavailable: the database does not answer
        """
        with self.write() as session:
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

    def pending_commit(self) -> asyncio.Future[None] | None:
        """What has to be done before anything that was written or read in this turn of the event loop may be told.

        :returns: None if nothing is open; otherwise it raises `Unavailable` if the commit fails
        """
        session: _ThreadSession | None = getattr(self._thread, "session", None)
        return session.group.pending() if session is not None else None

    @contextlib.contextmanager
    def write_once(self) -> Iterator["Session"]:
        """A session for one writing statement, which is a transaction by itself: a single round trip.

        :raises Unavailable: the database does not answer
        :raises NotUnique: a value is taken
        """
        with self.read() as session, session.alone():
            yield session

    def translated(self, error: BaseException) -> BaseException:
        """An error of the driver or the pool as the one that callers know; any other as it is."""
        if isinstance(error, self._integrity_error):
            return errors.NotUnique(_taken_columns(error))
        if isinstance(error, self._unavailable):
            return errors.Unavailable(str(error))
        return error

    @contextlib.contextmanager
    def translating(self, taken: Mapping[Any, str | tuple[str, ...]] = {}) -> Iterator[None]:
        """Let errors of the driver be those that callers know, before the transaction ends.

        :param taken: what columns that are unique together are called
        """
        try:
            yield
        except Exception as error:
            known = self.translated(error)
            if known is error:
                raise
            if isinstance(known, errors.NotUnique):
                known = errors.NotUnique(taken.get(known.member, known.member))
            raise known from error

    def _thread_session(self) -> "_ThreadSession":
        try:
            session: _ThreadSession = self._thread.session
        except AttributeError:
            session = self._thread.session = _ThreadSession(self)
        return session

    @contextlib.contextmanager
    def _pooled_session(self) -> Iterator["Session"]:
        try:
            pooled = self.engine.raw_connection()
            try:
                yield Session(pooled.driver_connection, self.begin)
            except self._unavailable as error:
                # Of a server that went away no connection is worth keeping, the idle ones included.
                pooled.invalidate(error)
                self.engine.dispose()
                raise
            finally:
                pooled.close()
        except (self._integrity_error, *self._unavailable) as error:
            raise self.translated(error) from error

    def forget_parent(self) -> None:
        """A process that was forked must neither use nor close its parent's connections."""
        self._inherited = (self._thread, self._checked_out, self.engine.pool)
        self._thread, self._checked_out = threading.local(), []
        self.engine.dispose(close=False)

    def check_out(self) -> Any:
        """A connection that its thread keeps until `close`.

        :returns: the driver's connection
        :raises Unavailable: the database does not answer
        """
        try:
            pooled = self.engine.raw_connection()
        except self._unavailable as error:
            raise errors.Unavailable(str(error)) from error
        self._checked_out.append(pooled)
        return pooled.driver_connection

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        self._thread = threading.local()
        while self._checked_out:
            self._checked_out.pop().close()
        self.engine.dispose()


class Session:
    """A connection of the driver, for the statements of one unit of work."""

    __slots__ = ("_begin", "_connection")

    def __init__(self, connection: Any, begin: str) -> None:
        self._connection = connection
        self._begin = begin

    def rows(self, query: Query, parameters: Mapping[str, Any] = {}) -> list[Row]:
        """All rows that a query answers."""
        rows: list[Row] = self._connection.execute(query.sql, query.bind(parameters)).fetchall()
        return rows

    def row(self, query: Query, parameters: Mapping[str, Any] = {}) -> Row | None:
        """The first row that a query answers, None if there is none."""
        row: Row | None = self._connection.execute(query.sql, query.bind(parameters)).fetchone()
        return row

    def run(self, query: Query, parameters: Mapping[str, Any] = {}) -> int:
        """Execute a statement. :returns: how many rows it changed"""
        count: int = self._connection.execute(query.sql, query.bind(parameters)).rowcount
        return count

    def script(self, sql: str) -> None:
        """Execute a statement that has no parameters, as it stands."""
        self._connection.execute(sql)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Commit what is executed at the end, roll it back if anything is raised."""
        return self._own_transaction()

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Let the driver commit the one statement that is executed."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def _own_transaction(self) -> Iterator[None]:
        self._connection.execute(self._begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(Exception):
                self._connection.execute("ROLLBACK")
            raise


class _ThreadSession(Session):
    """The session of one thread on an embedded database; it lasts. Taking a connection from the pool for each read
    costs as much as reading a row.
    """

    __slots__ = ("_database", "group")

    def __init__(self, database: Database) -> None:
        super().__init__(database.check_out(), database.begin)
        self._database = database
        self.group = CommitGroup(self._connection, database.begin)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """A transaction of its own, or one that shares its commit with others of the event loop."""
        loop = self._loop()
        return super().transaction() if loop is None else self.group.transaction(loop)

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """As `transaction`, for one statement: SQLite takes it back by itself when it fails."""
        loop = self._loop()
        return super().alone() if loop is None else self.group.statement(loop)

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop whose requests share commits, None if there is nobody to share with."""
        if not self._database.grouped:
            return None
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            return None

    def version(self) -> tuple[int, int] | None:
        """The changes of others, as SQLite counts them, and this connection's own; None within a transaction."""
        if self._connection.in_transaction:
            return None
        (others,) = self._connection.execute("PRAGMA data_version").fetchone()
        return others, self._connection.total_changes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and (known := self._database.translated(error)) is not error:
            raise known from error


def _sqlite_engine(address: Address) -> sa.Engine:
    if address.path is not None:
        try:
            address.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.Unavailable(f"{address.path} can't be created: {error.strerror}") from error
    engine = sa.create_engine(
        address.url,
        # Each thread keeps its connection, so there is nothing to pool; only an unnamed database is its connection.
        poolclass=sa.pool.StaticPool if address.path is None else sa.pool.NullPool,
        # Transactions begin and end in `Database.write` only, so there is nothing to reset.
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": SQLITE_BUSY_TIMEOUT / 1000},
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {SQLITE_BUSY_TIMEOUT}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql_engine(url: sa.URL, pool_size: int) -> sa.Engine:
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POSTGRESQL_CONNECT_TIMEOUT,
        pool_reset_on_return=None,
        connect_args={
            "autocommit": True,
            "connect_timeout": POSTGRESQL_CONNECT_TIMEOUT,
            "options": f"-c statement_timeout={POSTGRESQL_STATEMENT_TIMEOUT}",
            # Prepare a statement when it comes the second time: they are few and come often.
            "prepare_threshold": 1,
        },
    )


def _weakly(database: Database) -> Callable[[], None]:
    reference = weakref.ref(database)

    def forget() -> None:
        if (living := reference()) is not None:
            living.forget_parent()

    return forget


def _taken_columns(error: Exception) -> str | tuple[str, ...]:
    """The columns whose value is taken: SQLite names them, PostgreSQL their constraint."""
    if isinstance(error, sqlite3.IntegrityError):
        columns = tuple(column.rpartition(".")[2] for column in str(error).split(", "))
    else:
        diagnostic = error.diag  # type: ignore[attr-defined]  # psycopg's error
        constraints = metadata.tables[diagnostic.table_name].constraints
        (constraint,) = (known for known in constraints if known.name == diagnostic.constraint_name)
        columns = tuple(column.name for column in constraint.columns)  # type: ignore[attr-defined]  # of a unique one
    return columns[0] if len(columns) == 1 else columns
