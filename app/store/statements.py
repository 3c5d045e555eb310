"""Statements of a PostgreSQL connection: each is prepared once, and executed below psycopg's cursor, which takes longer than all
else that a small statement costs.

Values go as text, of the types that the statement casts them to; results are made by psycopg's own loaders.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple

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
        self._numbers = count()
        # What was sent in pipeline mode and is not answered yet: a statement that is executed, or the text of one that is prepared.
        self._under_way: list[str | None] = []
        self._results: list[pq.abc.PGresult] = []

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
        return self._checked(self._server.exec_prepared(name, *sent(parameters)))  # type: ignore[arg-type]  # None is null

    def begin_pipeline(self) -> None:
        """Take `send` and `received` from now on, and `execute` no longer (libpq, "Pipeline Mode")."""
        self._server.enter_pipeline_mode()

    def send(self, statements: Iterable[tuple[str, "Values"]]) -> None:
        """Send statements that are one transaction, without waiting for their answers.

        :raises psycopg.Error: they can't be sent
        """
        if len(self._names) >= _PREPARED:
            self._names.clear()
            self._server.send_query_params(b"DEALLOCATE ALL", None)
            self._under_way.append("")
        for sql, values in statements:
            name = self._names.get(sql)
            if name is None:
                name = self._names[sql] = self._new_name()
                self._server.send_prepare(name, sql.encode())
                self._under_way.append(sql)
            self._server.send_query_prepared(name, *values)
            self._under_way.append(None)
        self._server.pipeline_sync()

    def received(self) -> list[Result] | psycopg.Error | None:
        """What the statements that were sent last have answered, or why all of them were taken back; None if it is not known yet.

        :raises psycopg.Error: the connection can be used no longer
        """
        self._server.consume_input()
        while not self._server.is_busy():
            result = self._server.get_result()
            if result is None:
                # It ends what one statement answers, or nothing is under way.
                result = None if self._server.is_busy() else self._server.get_result()
                if result is None:
                    break
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return self._end_pipeline()
            self._results.append(result)
        if self.closed:
            raise psycopg.OperationalError("The connection is lost.")
        return None

    def _end_pipeline(self) -> list[Result] | psycopg.Error:
        answered = list(zip(self._under_way, self._results, strict=True))
        self._under_way, self._results = [], []
        for sql, result in answered:
            if sql is not None and result.status not in _DONE:
                self._names.pop(sql, None)
        for _, result in answered:
            if result.status not in _DONE:
                return psycopg.errors.error_from_result(result)
        return [Result(result, self._transformer) for sql, result in answered if sql is None]

    def _prepare(self, sql: str) -> bytes:
        if len(self._names) >= _PREPARED:
            self.execute("DEALLOCATE ALL")
            self._names.clear()
        name = self._new_name()
        self._checked(self._server.prepare(name, sql.encode()))
        self._names[sql] = name
        return name

    def _new_name(self) -> bytes:
        return b"s%d" % next(self._numbers)

    def _checked(self, result: pq.abc.PGresult) -> Result:
        if result.status in _DONE:
            return Result(result, self._transformer)
        if result.error_field(pq.DiagnosticField.SQLSTATE) is None:
            # It is no word of the server's, which is gone; libpq may not count the connection as closed yet.
            self._connection.close()
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)


class Values(NamedTuple):
    """The values of a statement as they are sent.

    :param values: null is None
    :param formats: of each; None if all are texts
    """

    values: list[bytes | None]
    formats: list[pq.Format] | None


def sent(parameters: Sequence[Any]) -> Values:
    """Values in the form that they are sent in. :raises psycopg.DataError: a text has a NUL"""
    formats = None
    if bytes in map(type, parameters):
        formats = [pq.Format.BINARY if type(value) is bytes else pq.Format.TEXT for value in parameters]
    return Values([_as_sent(value) for value in parameters], formats)


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
