"""Opening connections to PostgreSQL: whether one can be used, and whether a connection pooler stands in between."""

import select
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq

from app import errors

# What poolers say of a startup parameter that they do not pass on, such as `options` (PgBouncer, `ignore_startup_parameters`).
_REFUSED = "unsupported startup parameter"

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def open_connection(parameters: Mapping[str, Any], options: str) -> tuple[psycopg.Connection[Any], bool]:
    """Open a connection.

    A pooler makes up the process that it tells of at the beginning of a connection (PostgreSQL, "BackendKeyData").

    :param parameters: how, in the words of PostgreSQL's library
    :param options: settings of the session; a pooler may refuse them
    :returns: the connection, and whether it leads to one session for as long as it lasts, with these settings
    :raises psycopg.Error: there is none to be had, or it does not answer in time
    :raises Unfit: the database can't store text
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
    """The answer to what was sent; of several the first error, or else the last.

    :param seconds: the longest to wait for it
    :raises psycopg.OperationalError: there is none; the connection is closed then
    """
    server = connection.pgconn
    until = time.monotonic() + seconds
    answer: pq.abc.PGresult | None = None
    while True:
        while server.is_busy():
            await_input(connection, until)
            server.consume_input()
        result = server.get_result()
        if result is None:
            break
        if answer is None or answer.status in _DONE:
            answer = result
    if answer is None:
        connection.close()
        raise psycopg.OperationalError("The connection is lost.")
    return answer


def await_input(connection: psycopg.Connection[Any], until: float) -> None:
    """Wait until a server sends something.

    :param until: how long, in seconds of `time.monotonic`
    :raises psycopg.OperationalError: it does not; the connection is closed then
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        connection.close()
        raise psycopg.OperationalError("There is no answer in time; a pooler may have no connection to give.")


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    encoding = (connection.pgconn.parameter_status(b"server_encoding") or b"").decode()
    if encoding == "SQL_ASCII":
        raise errors.Unfit(
            f"The encoding of the database is {encoding}, which stores bytes and not text."
            " Create it with ENCODING 'UTF8' TEMPLATE template0."
        )
