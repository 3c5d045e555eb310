"""Prepared statements of a PostgreSQL connection: each is prepared once, and executed below psycopg's cursor, which costs more than
the rest of a small statement.

Values are sent as text, cast by the statement to its types; results are loaded by psycopg's own loaders.

A connection pooler may give each transaction another session of the server. Behind one, statements are sent unnamed, together
with their settings.
"""

import time
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import psycopg
from psycopg import abc, adapt, pq

from app.store.engine import engines
from app.store.engine.postgresql.opening import answer_of, await_input

# The number of statements grows with the operations, filters and orders of a contract; the bound protects the memory of the server
# from clients.
_PREPARED = 500

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)

# Set for the current transaction only.
_SET_LIMITS = b"SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)"


class Result:
    """The result of a statement, with the methods of a cursor (PEP 249)."""

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
        """The number of changed rows."""
        return self._result.command_tuples or 0


class Failed(NamedTuple):
    """The reason why statements that were sent together were rolled back.

    :param error: of the server
    :param place: the index of the failed statement, from 0; None if the error is not of a statement, such as that of a commit
    """

    error: psycopg.Error
    place: int | None


class Statements:
    """The prepared statements of a connection. One thread uses it at a time.

    :param connection: of psycopg, in autocommit
    :param direct: whether it has one session of the server for its lifetime, without a pooler
    """

    def __init__(self, connection: psycopg.Connection[Any], *, direct: bool = True) -> None:
        self.direct = direct
        self._connection = connection
        self._server = connection.pgconn
        self._transformer: abc.Transformer = adapt.Transformer(connection)
        self._names: dict[str, bytes] = {}
        # The statements sent in pipeline mode without a result yet: the text, empty for an internal statement, and whether it was
        # executed or only prepared.
        self._under_way: list[tuple[str, bool]] = []
        self._results: list[pq.abc.PGresult] = []
        # The lock timeout of the session in milliseconds, None behind a pooler.
        self._standing = engines.POSTGRESQL_LOCK_TIMEOUT if direct else None
        # The settings that are sent with each transaction, None to use those of the session.
        self._limits: tuple[str, str] | None = None
        self.wait_for_locks(engines.POSTGRESQL_LOCK_TIMEOUT)

    @property
    def closed(self) -> bool:
        """Whether the connection is unusable."""
        return self._connection.closed

    @property
    def begin(self) -> str:
        """The statement that begins a transaction."""
        if self._limits is None:
            return "BEGIN"
        statements, locks = self._limits
        return f"BEGIN; SET LOCAL statement_timeout = {statements}; SET LOCAL lock_timeout = {locks}"

    def fileno(self) -> int:
        """The file descriptor of the connection."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def wait_for_locks(self, milliseconds: int, *, always: bool = False) -> None:
        """Set the lock timeout of the next statements.

        :param always: whether to set it now, at the cost of a round trip, instead of with each statement
        :raises psycopg.Error: the connection is unusable
        """
        if always and self.direct and milliseconds != self._standing:
            self._limits = None
            self.execute(f"SET lock_timeout = {milliseconds}")
            self._standing = milliseconds
        stands = milliseconds == self._standing
        self._limits = None if stands else (str(engines.POSTGRESQL_STATEMENT_TIMEOUT), str(milliseconds))

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Result:
        """Execute a statement.

        :param parameters: the values of `$1`, `$2` and so on; None for a statement without placeholders
        :raises psycopg.Error: of the class of the server's error
        """
        if self._limits is not None:
            if parameters is not None and self._server.transaction_status == pq.TransactionStatus.IDLE:
                return self._execute_limited(sql, sent(parameters))
            if not self.direct:
                return self._execute_unnamed(sql, parameters)
        if parameters is None:
            return self._checked(self._server.exec_(sql.encode()))
        values = sent(parameters)
        try:
            return self._checked(self._server.exec_prepared(self._names.get(sql) or self._prepare(sql), *values))  # type: ignore[arg-type]  # None is null
        except psycopg.errors.InvalidSqlStatementName:
            # The pooler has changed the session, and nothing was executed.
            del self._names[sql]
            if self._server.transaction_status != pq.TransactionStatus.IDLE:
                raise
            return self._checked(self._server.exec_prepared(self._prepare(sql), *values))  # type: ignore[arg-type]  # None is null

    def begin_pipeline(self) -> None:
        """Enter pipeline mode: use `send` and `received` instead of `execute` (libpq, "Pipeline Mode")."""
        self._server.enter_pipeline_mode()

    def send(self, statements: Iterable[tuple[str, "Values"]]) -> None:
        """Send statements as one transaction, without waiting for their results.

        :raises psycopg.Error: they can't be sent
        """
        if self._limits is not None:
            self._server.send_query_params(_SET_LIMITS, [limit.encode() for limit in self._limits])
            self._under_way.append(("", True))
        if len(self._names) >= _PREPARED:
            self._names.clear()
            self._server.send_query_params(b"DEALLOCATE ALL", None)
            self._under_way.append(("", True))
        for sql, values in statements:
            if not self.direct:
                self._server.send_query_params(sql.encode(), values.values, None, values.formats)
            else:
                name = self._names.get(sql)
                if name is None:
                    name = self._names[sql] = _name(sql)
                    self._server.send_prepare(name, sql.encode())
                    self._under_way.append((sql, False))
                self._server.send_query_prepared(name, *values)
            self._under_way.append((sql, True))
        self._server.pipeline_sync()

    def received(self) -> list[Result] | Failed | None:
        """The results of the statements sent last, or the reason of their rollback; None if they have not arrived.

        :raises psycopg.Error: the connection is unusable
        """
        self._server.consume_input()
        while not self._server.is_busy():
            result = self._server.get_result()
            if result is None:
                # None ends the results of a statement, or nothing is under way.
                result = None if self._server.is_busy() else self._server.get_result()
                if result is None:
                    break
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return self._end_pipeline()
            self._results.append(result)
        if self.closed:
            raise psycopg.OperationalError("The connection is lost.")
        return None

    def _end_pipeline(self) -> list[Result] | Failed:
        under_way, results = self._under_way, self._results
        self._under_way, self._results = [], []
        failed: Failed | None = None
        responses: list[Result] = []
        for (sql, executed), result in zip(under_way, results, strict=False):
            if result.status in _DONE:
                if executed and sql:
                    responses.append(Result(result, self._transformer))
                continue
            error = psycopg.errors.error_from_result(result)
            if not _is_prepared(error, executed=executed):
                self._names.pop(sql, None)
            failed = failed or Failed(error, len(responses) if sql else None)
        further = results[len(under_way) :]
        if failed is None and further and further[0].status not in _DONE:
            # The commit, which is not a statement of the batch, has failed.
            failed = Failed(psycopg.errors.error_from_result(further[0]), None)
        if failed is None and len(results) != len(under_way):
            raise psycopg.OperationalError(f"{len(under_way)} statements have {len(results)} results.")
        return failed or responses

    def _execute_limited(self, sql: str, values: "Values") -> Result:
        """Execute a statement as a transaction with its own settings, in one round trip."""
        try:
            self.begin_pipeline()
            self.send([(sql, values)])
            until = time.monotonic() + engines.POSTGRESQL_RESPONSE_TIMEOUT
            while (results := self.received()) is None:
                await_input(self._connection, until)
            self._server.exit_pipeline_mode()
        except BaseException:
            # The next result on this connection is undefined.
            self._connection.close()
            raise
        if isinstance(results, Failed):
            raise results.error
        return results[0]

    def _execute_unnamed(self, sql: str, parameters: Sequence[Any] | None) -> Result:
        """Execute a statement within a transaction, or its begin or end, behind a pooler, which may make it wait for a session."""
        if parameters is None:
            self._server.send_query(sql.encode())
        else:
            values = sent(parameters)
            self._server.send_query_params(sql.encode(), values.values, None, values.formats)
        return self._checked(answer_of(self._connection, engines.POSTGRESQL_RESPONSE_TIMEOUT))

    def _prepare(self, sql: str) -> bytes:
        if len(self._names) >= _PREPARED:
            self.execute("DEALLOCATE ALL")
            self._names.clear()
        name = _name(sql)
        try:
            self._checked(self._server.prepare(name, sql.encode()))
        except psycopg.errors.DuplicatePreparedStatement:
            # Another client of the pooler has prepared the same text in this session.
            self._names[sql] = name
            if self._server.transaction_status != pq.TransactionStatus.IDLE:
                raise
        self._names[sql] = name
        return name

    def _checked(self, result: pq.abc.PGresult) -> Result:
        if result.status in _DONE:
            return Result(result, self._transformer)
        if result.error_field(pq.DiagnosticField.SQLSTATE) is None:
            # The error is not from the server, which is gone; libpq may not count the connection as closed yet.
            self._connection.close()
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)


def _name(sql: str) -> bytes:
    """The name of a prepared statement: a digest of its text. In a wrong session, as behind a pooler that was not recognized, it
    executes the same statement or none.
    """
    return b"flows_" + blake2b(sql.encode(), digest_size=16).hexdigest().encode()


def _is_prepared(error: psycopg.Error, *, executed: bool) -> bool:
    """Whether a statement can be executed again after an error. :param executed: whether it was executed or prepared"""
    if executed:
        return not isinstance(error, psycopg.errors.InvalidSqlStatementName)
    return isinstance(error, psycopg.errors.DuplicatePreparedStatement)


class Values(NamedTuple):
    """The values of a statement as sent to the server.

    :param values: None for null
    :param formats: of each value; None if all are text
    """

    values: list[bytes | None]
    formats: list[pq.Format] | None


def sent(parameters: Sequence[Any]) -> Values:
    """Encode values for the server. :raises psycopg.DataError: a text has a NUL"""
    formats = None
    if bytes in map(type, parameters):
        formats = [pq.Format.BINARY if type(value) is bytes else pq.Format.TEXT for value in parameters]
    return Values([_as_sent(value) for value in parameters], formats)


def _as_sent(value: Any) -> bytes | None:
    """Encode a value as text, a list of strings as an array; bytes are unchanged.

    :raises psycopg.DataError: a text has a NUL, which PostgreSQL does not support
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
    """Quote a string within an array (PostgreSQL, "Array Input and Output Syntax")."""
    escaped = item.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
