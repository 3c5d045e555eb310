"""Statements compiled to the driver's SQL, and sessions that execute them on the driver's connection.

SQLAlchemy's ORM and result processing cost several times what the database does on tables this flat, so `Query` keeps the driver's
SQL and binds parameters to it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ClauseElement

Row = Sequence[Any]


class Query:
    """A statement as SQL of the driver, compiled on first use.

    :param statement: of SQLAlchemy
    :param dialect: of the database
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
        """The values of parameters that are part of the statement."""
        return {name: value for name, value in self._compiled.params.items() if value is not None}

    def bind(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Arrange parameters as the driver expects them."""
        values = {**self._constants, **parameters} if self._constants else parameters
        return [values[name] for name in self._names]


class Session:
    """A connection of the driver, for the statements of one unit of work."""

    __slots__ = ("_begin", "_connection", "uncertain")

    def __init__(self, connection: Any, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        # Whether the result of a commit would be unknown if the connection broke now.
        self.uncertain = False

    def rows(self, query: Query, parameters: Mapping[str, Any] = {}) -> list[Row]:
        """All rows of a query."""
        rows: list[Row] = self._connection.execute(query.sql, query.bind(parameters)).fetchall()
        return rows

    def row(self, query: Query, parameters: Mapping[str, Any] = {}) -> Row | None:
        """The first row of a query, None if there is none."""
        row: Row | None = self._connection.execute(query.sql, query.bind(parameters)).fetchone()
        return row

    def run(self, query: Query, parameters: Mapping[str, Any] = {}) -> int:
        """Execute a statement. :returns: the number of changed rows"""
        count: int = self._connection.execute(query.sql, query.bind(parameters)).rowcount
        return count

    def lock(self, query: Query, parameters: Mapping[str, Any]) -> None:
        """Lock rows until the transaction ends. :param query: a `SELECT ... FOR UPDATE`"""
        self.row(query, parameters)

    def script(self, sql: str) -> None:
        """Execute a statement without parameters."""
        self._connection.execute(sql)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """A transaction, committed at the end and rolled back on an exception."""
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
