"""What executes statements: the driver's own connection, for one unit of work."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

from app import errors
from app.store.engines import let_sleep
from app.store.grouping import CommitGroup
from app.store.locking import runs_event_loop
from app.store.remembered import Remembered

if TYPE_CHECKING:
    from app.store.database import Database

Row = Sequence[Any]
Done = Callable[[Row | None], None]


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

    def insert(self, query: Query, parameters: Mapping[str, Any], key: str) -> None:  # noqa: ARG002  # for others to order by
        """Execute a statement that adds a row.

        :param key: of the row
        """
        self._connection.execute(query.sql, query.bind(parameters))

    def expect(
        self,
        query: Query,
        parameters: Mapping[str, Any],
        key: str,  # noqa: ARG002  # for others to order by
        done: Done,
    ) -> bool:
        """Execute a statement that answers a row if it changes one.

        :param key: of the row that it changes
        :param done: is told what it has answered; None if it has changed nothing
        :returns: whether it changes one, as far as that is known
        """
        row = self.row(query, parameters)
        done(row)
        return row is not None

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

    @contextlib.contextmanager
    def _own_transaction(self) -> Iterator[None]:
        self._start()
        try:
            yield
            self.uncertain = True
            self._connection.execute("COMMIT")
            self.uncertain = False
        except BaseException:
            with contextlib.suppress(Exception):
                self._connection.execute("ROLLBACK")
            raise

    def _start(self) -> None:
        self._connection.execute(self._begin)


class ThreadSession(Session):
    """The session of one thread on an embedded database; it lasts. Taking a connection from the pool for each read
    costs as much as reading a row.
    """

    __slots__ = ("_database", "_others", "_rows", "_sleeps", "group")

    def __init__(self, database: "Database") -> None:
        super().__init__(database.take_out().driver_connection, database.begin)
        self._database = database
        # The changes of others, while this turn of the event loop has asked for them.
        self._others: int | None = None
        self.group = CommitGroup(self._connection, database.begin, database.turnstile)
        self._rows: Remembered[Any] = Remembered()
        # Whether a statement that finds the database locked sleeps in this thread.
        self._sleeps = not runs_event_loop()

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """A transaction of its own, or one that shares its commit with others of the event loop."""
        loop = self._loop()
        return super().transaction() if loop is None else self.group.transaction(loop)

    def _start(self) -> None:
        with self._database.turnstile.entered():
            super()._start()

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
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if self._sleeps is not (loop is None):
            self._sleeps = loop is None
            let_sleep(self._connection, self._sleeps)
        return loop

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
        if error is None:
            return
        known = self._database.translated(error)
        if isinstance(known, errors.Locked) and self._connection.in_transaction:
            # What was carried out before in this transaction must not be carried out again.
            known = errors.Unavailable(str(known))
        if known is not error:
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
        group = self._session.group
        if error is None:
            group.written += 1
            return
        group.failed(error)
        self._session.__exit__(kind, error, trace)
