"""Opening and checking of connections to PostgreSQL, directly or through a connection pooler."""

import select
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq

from app import errors

# The error of poolers about a startup parameter that they do not support (PgBouncer, `ignore_startup_parameters`).
_REFUSED = "unsupported startup parameter"

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def open_connection(parameters: Mapping[str, Any], options: str) -> tuple[psycopg.Connection[Any], bool]:
    """Open a connection.

    A pooler makes up the process ID that it sends when a connection starts (PostgreSQL, "BackendKeyData").

    :param parameters: connection parameters of libpq
    :param options: settings of the session; a pooler may reject them
    :returns: the connection, and whether it has one session of the server, with these settings
    :raises psycopg.Error: no connection can be opened, or it does not respond in time
    :raises Unfit: the encoding of the database can't store text
    """
    given = parameters.get("options", "")
    try:
        connection, set_up = psycopg.connect(**{**parameters, "options": f"{options} {given}"}), True
    except psycopg.OperationalError as error:
        if given or _REFUSED not in str(error):
            raise
        connection, set_up = psycopg.connect(**parameters), False
    try:
        _check_encoding(connection)
        connection.pgconn.send_query(b"SELECT pg_backend_pid()")
        result = answer_of(connection, float(parameters["connect_timeout"]))
        if result.status not in _DONE:
            raise psycopg.errors.error_from_result(result)
    except BaseException:
        connection.close()
        raise
    return connection, set_up and result.get_value(0, 0) == str(connection.pgconn.backend_pid).encode()


def answer_of(connection: psycopg.Connection[Any], seconds: float) -> pq.abc.PGresult:
    """The result of what was sent: the first error, or else the last result.

    :param seconds: the longest time to wait
    :raises psycopg.OperationalError: there is no result; the connection is closed then
    """
    server = connection.pgconn
    until = time.monotonic() + seconds
    response: pq.abc.PGresult | None = None
    while True:
        while server.is_busy():
            await_input(connection, until)
            server.consume_input()
        result = server.get_result()
        if result is None:
            break
        if response is None or response.status in _DONE:
            response = result
    if response is None:
        connection.close()
        raise psycopg.OperationalError("The connection is lost.")
    return response


def await_input(connection: psycopg.Connection[Any], until: float) -> None:
    """Wait for input from the server.

    :param until: the deadline, in seconds of `time.monotonic`
    :raises psycopg.OperationalError: there is none in time; the connection is closed then
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        connection.close()
        raise psycopg.OperationalError("There is no response in time; a pooler may have no connection to give.")


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    encoding = (connection.pgconn.parameter_status(b"server_encoding") or b"").decode()
    if encoding == "SQL_ASCII":
        raise errors.Unfit(
            f"The encoding of the database is {encoding}, which stores bytes and not text."
            " Create it with ENCODING 'UTF8' TEMPLATE template0."
        )
