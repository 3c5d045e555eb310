"""What executes statements: the driver's own connection, for one unit of work."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

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
