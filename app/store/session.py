"""What executes statements: the driver's own connection, for one unit of work."""

import asyncio
import contextlib
import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

from app.store.grouping import CommitGroup
from app.store.remembered import Remembered

if TYPE_CHECKING:
    import psycopg

    from app.store.database import Database
    from app.store.statements import Statements

Row = Sequence[Any]


class Query:
    """A statement as SQL of the driver, compiled once, when it is first used.

    :param statement: as SQLAlchemy has it
    :param dialect: the database's
    """

    def __init__(self, statement: ClauseElement, dialect: sa.Dialect) -> None:
        self._statement = statement
        self._dialect = dialect

    @cached_property
    def sql(self) -> str:
        """The text, with the driver's placeholders."""
        return str(self._compiled)

    @cached_property
    def _compiled(self) -> sa.Compiled:
        return self._statement.compile(dialect=self._dialect)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The parameters in the order of their placeholders."""
        return tuple(self._compiled.positiontup or ())  # type: ignore[attr-defined]  # of an SQLCompiler

    @cached_property
    def _constants(self) -> Mapping[str, Any]:
        """Values of parameters that the statement itself holds."""
        return {name: value for name, value in self._compiled.params.items() if value is not None}

    def bind(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Parameters in the form that the driver takes."""
        values = {**self._constants, **parameters} if self._constants else parameters
        return [values[name] for name in self._names]


class Session:
    """A connection of the driver, for the statements of one unit of work."""

    __slots__ = ("_begin", "_connection", "uncertain")

    def __init__(self, connection: Any, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        # Whether nobody could tell what was kept if the connection ended now.
        self.uncertain = False

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

    def recall(self, key: str) -> Any:  # noqa: ARG002  # nothing is remembered here
        """A row that this session has written, if it still is as it was then; None if that is not known."""
        return None

    def remember(self, key: str, row: Any, texts: Iterable[str]) -> None:
        """Keep a row that has just been written, and nothing else since `recall`.

        :param texts: what is long in it
        """

    def forget(self, key: str) -> None:
        """Keep nothing of a row."""

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Commit what is executed at the end, roll it back if anything is raised."""
        return self._own_transaction()

    def expect_one(self) -> None:
        """The next statement stands alone: the driver commits it."""
        if _has_ended(self._connection):
            # The statement must not be sent: whether it was carried out would be uncertain.
            self._connection.close()
        else:
            self.uncertain = True

    @contextlib.contextmanager
    def _own_transaction(self) -> Iterator[None]:
        self._connection.execute(self._begin)
        try:
            yield
            self.uncertain = True
            self._connection.execute("COMMIT")
            self.uncertain = False
        except BaseException:
            with contextlib.suppress(Exception):
                self._connection.execute("ROLLBACK")
            raise


class ThreadSession(Session):
    """The session of one thread on an embedded database; it lasts. Taking a connection from the pool for each read
    costs as much as reading a row.
    """

    __slots__ = ("_database", "_others", "_rows", "group")

    def __init__(self, database: "Database") -> None:
        super().__init__(database.take_out().driver_connection, database.begin)
        self._database = database
        # The changes of others, while this turn of the event loop has asked for them.
        self._others: int | None = None
        self.group = CommitGroup(self._connection, database.begin)
        self._rows: Remembered[Any] = Remembered()

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """A transaction of its own, or one that shares its commit with others of the event loop."""
        loop = self._loop()
        return super().transaction() if loop is None else self.group.transaction(loop)

    @property
    def shares(self) -> bool:
        """Whether there is anybody to share a commit with."""
        return self._loop() is not None

    def recall(self, key: str) -> Any:
        """A row that this session has written, if it still is as it was then; None if that is not known."""
        version = self.group.version()
        return None if version is None else self._rows.recall(key, version)

    def remember(self, key: str, row: Any, texts: Iterable[str]) -> None:
        """Keep a row that has just been written, and nothing else since `recall`."""
        if (version := self.group.version()) is not None:
            self._rows.remember(key, row, texts, version)

    def forget(self, key: str) -> None:
        """Keep nothing of a row."""
        self._rows.forget(key)

    def join(self) -> None:
        """Let the next statement share its commit, if there is anybody to share with."""
        if (loop := self._loop()) is not None:
            self.group.join(loop)

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop whose requests share commits, None if there is nobody to share with."""
        if not self._database.grouped:
            return None
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            return None

    def version(self) -> tuple[int, int] | None:
        """The changes of others, as SQLite counts them, and this connection's own; None within a transaction.

        An event loop asks for the others' once for all requests of a turn: each of them had arrived before the first was answered,
        so that nobody who sent one can know of a later change.
        """
        if self._connection.in_transaction:
            return None
        others = self._others
        if others is None:
            (others,) = self._connection.execute("PRAGMA data_version").fetchone()
            if (loop := self._loop()) is not None:
                self._others = others
                loop.call_soon(self._end_turn)
        return others, self._connection.total_changes

    def _end_turn(self) -> None:
        self._others = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and (known := self._database.translated(error)) is not error:
            raise known from error


class SingleStatement:
    """The session of one thread on an embedded database, for one statement that writes. SQLite takes it back by itself when it
    fails. A class, as a generator takes several times as long as what it does here.

    :param session: the thread's
    """

    __slots__ = ("_session",)

    def __init__(self, session: ThreadSession) -> None:
        self._session = session

    def __enter__(self) -> ThreadSession:
        with self._session:
            self._session.join()
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._session.group.failed(error)
            self._session.__exit__(kind, error, trace)


class LoneStatement:
    """A session of a networked database, for one statement that writes and that the driver commits.

    :param session: what gives the session
    """

    __slots__ = ("_given", "_session")

    def __init__(self, session: contextlib.AbstractContextManager[Session]) -> None:
        self._given = session

    def __enter__(self) -> Session:
        self._session = self._given.__enter__()
        self._session.expect_one()
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._session.uncertain = False
        self._given.__exit__(kind, error, trace)


class KeptSession(Session):
    """The session of one thread on a networked database; its connection lasts until the server is gone."""

    __slots__ = ("_database", "_generation", "_pooled")

    def __init__(self, database: "Database") -> None:
        super().__init__(None, database.begin)
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
            self._pooled.invalidate()
            self._database.give_back(self._pooled)
            self._pooled = None
        generation = self._database.generation
        self._pooled = self._database.take_out()
        self._connection = statements_of(self._pooled)
        self._generation = generation


def statements_of(pooled: sa.PoolProxiedConnection) -> "Statements":
    """What executes statements on a networked database's connection. It stays with the connection."""
    from app.store.statements import Statements

    known: Statements | None = pooled.info.get("statements")
    if known is None:
        known = pooled.info["statements"] = Statements(cast("psycopg.Connection[Any]", pooled.driver_connection))
    return known


def _has_ended(connection: Any) -> bool:
    """Whether a server has ended a connection on which nothing is under way: it has something to say then."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
