"""Statements of a PostgreSQL connection: each is prepared once, and executed below psycopg's cursor, which takes longer than all
else that a small statement costs.

Values go as text, of the types that the statement casts them to; results are made by psycopg's own loaders.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import abc, adapt, pq

# Statements are as many as a contract has operations, filters and ways to sort; a bound keeps a stranger from filling the memory
# of the server.
_PREPARED = 500

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Result:
    """What a statement answered, with the methods of a cursor (PEP 249)."""

    __slots__ = ("_result", "_transformer")

    def __init__(self, result: pq.abc.PGresult, transformer: abc.Transformer) -> None:
        self._result = result
        self._transformer = transformer

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_rows(0, self._result.ntuples, tuple)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row, None if there is none."""
        if self._result.ntuples == 0:
            return None
        self._transformer.set_pgresult(self._result)
        return self._transformer.load_row(0, tuple)

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._result.command_tuples or 0


class Statements:
    """What executes statements on a connection. One thread uses it at a time.

    :param connection: psycopg's, in autocommit
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._server = connection.pgconn
        self._transformer: abc.Transformer = adapt.Transformer(connection)
        self._names: dict[str, bytes] = {}

    @property
    def closed(self) -> bool:
        """Whether the connection can be used no longer."""
        return self._connection.closed

    def fileno(self) -> int:
        """The file descriptor of the connection."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Result:
        """Execute a statement.

        :param parameters: the values of `$1`, `$2` and so on; None for a statement that is sent as it stands
        :raises psycopg.Error: of the class that says why
        """
        if parameters is None:
            return self._checked(self._server.exec_(sql.encode()))
        name = self._names.get(sql) or self._prepare(sql)
        values = [_as_sent(value) for value in parameters]
        formats = None
        if bytes in map(type, parameters):
            formats = [pq.Format.BINARY if type(value) is bytes else pq.Format.TEXT for value in parameters]
        return self._checked(self._server.exec_prepared(name, values, formats))  # type: ignore[arg-type]  # None is null

    def _prepare(self, sql: str) -> bytes:
        if len(self._names) >= _PREPARED:
            self.execute("DEALLOCATE ALL")
            self._names.clear()
        name = b"s%d" % len(self._names)
        self._checked(self._server.prepare(name, sql.encode()))
        self._names[sql] = name
        return name

    def _checked(self, result: pq.abc.PGresult) -> Result:
        if result.status in _DONE:
            return Result(result, self._transformer)
        if result.error_field(pq.DiagnosticField.SQLSTATE) is None:
            # It is no word of the server's, which is gone; libpq may not count the connection as closed yet.
            self._connection.close()
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)


def _as_sent(value: Any) -> bytes | None:
    """A value as text of PostgreSQL, a list of texts as that of an array; bytes as they are.

    :raises psycopg.DataError: a text has a NUL, which PostgreSQL does not have
    """
    if isinstance(value, list):
        value = "{" + ",".join(_quoted(item) for item in value) + "}"
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("PostgreSQL text can't contain NUL (0x00) bytes")
        return value.encode()
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bool | int | float):
        return str(value).lower().encode()
    raise TypeError(f"No value of a statement: {type(value).__name__}")


def _quoted(item: str) -> str:
    """A text within an array (PostgreSQL, "Array Input and Output Syntax")."""
    escaped = item.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
