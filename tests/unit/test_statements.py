"""Statements below psycopg's cursor: values, rows and errors are those that the cursor would give."""

import select

import psycopg
import pytest

from app.store import statements
from app.store.statements import Statements, sent

pytestmark = pytest.mark.postgresql


@pytest.fixture
def connection(postgresql_url):
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def execute(connection):
    return Statements(connection).execute


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", ""),
        ("text", "a 'b' \\ \u2028 \U0001f600 %s $1"),
        ("text", None),
        ("boolean", True),
        ("boolean", False),
        ("boolean", None),
        ("bigint", -(2**63)),
        ("integer", 2**31 - 1),
        ("double precision", 0.1),
        ("double precision", -1.5e300),
        ("text[]", ["a", "", "NULL", '"{,}"', '\\ \\"', "\u2028"]),
        ("text[]", []),
        ("bytea", b"\x00\xff'"),
        ("bytea", b""),
    ],
)
def test_a_value_comes_back_as_it_was_sent(execute, kind, value):
    found = execute(f"SELECT $1::{kind}", [value]).fetchone()
    assert found == (value,)
    assert type(found[0]) is type(value)


def test_rows(execute):
    result = execute("SELECT number, number % 2 = 0 FROM generate_series(1, $1::INTEGER) AS number", [3])
    assert result.fetchall() == [(1, False), (2, True), (3, False)]
    assert result.fetchone() == (1, False)
    empty = execute("SELECT 1 WHERE $1::BOOLEAN", [False])
    assert (empty.fetchone(), empty.fetchall()) == (None, [])


def test_results_do_not_mix(execute):
    first, second = execute("SELECT $1::TEXT", ["a"]), execute("SELECT $1::INTEGER, 2", [1])
    assert (first.fetchone(), second.fetchone(), first.fetchall()) == (("a",), (1, 2), [("a",)])


def test_how_many_rows_were_changed(execute):
    execute("CREATE TEMPORARY TABLE numbers (number integer UNIQUE)")
    assert execute("INSERT INTO numbers SELECT generate_series(1, $1::INTEGER)", [4]).rowcount == 4
    assert execute("DELETE FROM numbers WHERE number > $1", [2]).rowcount == 2
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        execute("INSERT INTO numbers VALUES ($1)", [1])
    assert (raised.value.diag.table_name, raised.value.diag.constraint_name) == ("numbers", "numbers_number_key")
    assert execute("SELECT count(*) FROM numbers", []).fetchone() == (2,)


@pytest.mark.parametrize(
    ("value", "error"), [("a\0b", psycopg.DataError), ("\ud800", UnicodeEncodeError), ({}, TypeError)]
)
def test_what_can_not_be_sent(execute, value, error):
    with pytest.raises(error):
        execute("SELECT $1::TEXT", [value])
    assert execute("SELECT $1::TEXT", ["a"]).fetchone() == ("a",)


def test_a_statement_is_prepared_once(connection, execute):
    for number in range(3):
        assert execute("SELECT $1::INTEGER + 1", [number]).fetchone() == (number + 1,)
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::INTEGER + 1'"
    assert connection.execute(prepared).fetchone() == (1,)


def test_no_more_are_prepared_than_there_is_room_for(connection, execute, monkeypatch):
    monkeypatch.setattr(statements, "_PREPARED", 3)
    for number in (*range(5), *range(5)):
        assert execute(f"SELECT $1::INTEGER + {number}", [1]).fetchone() == (1 + number,)
    assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()[0] <= 3


def test_a_statement_that_fails_may_be_tried_again(execute):
    with pytest.raises(psycopg.errors.UndefinedTable):
        execute("SELECT $1::INTEGER FROM missing", [1])
    execute("CREATE TEMPORARY TABLE missing AS SELECT 1")
    assert execute("SELECT $1::INTEGER FROM missing", [1]).fetchone() == (1,)


@pytest.mark.parametrize("parameters", [None, [1]])
def test_a_connection_that_was_cut(connection, postgresql_url, parameters):
    kept = Statements(connection)
    kept.execute("SELECT $1::INTEGER", [1])
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            kept.execute("SELECT 1" if parameters is None else "SELECT $1::INTEGER", parameters)
        assert kept.closed


@pytest.fixture
def pipeline(connection):
    """Sends statements together, and gives the rows of each, or the error of all."""
    kept = Statements(connection)
    kept.begin_pipeline()

    def send(*texts):
        kept.send([(sql, sent(parameters)) for sql, parameters in texts])
        poll = select.poll()
        poll.register(kept.fileno(), select.POLLIN)
        while (results := kept.received()) is None:
            assert poll.poll(20_000)
        assert kept.received() is None
        return results if isinstance(results, psycopg.Error) else [result.fetchall() for result in results]

    return send


def test_statements_that_are_sent_together_are_one_transaction(pipeline):
    pipeline(("CREATE TEMPORARY TABLE numbers (number integer UNIQUE)", []))
    insert, count = (
        "INSERT INTO numbers VALUES ($1) RETURNING pg_current_xact_id()::TEXT",
        "SELECT count(*) FROM numbers",
    )
    first, second, counted = pipeline((insert, [1]), (insert, [2]), (count, []))
    assert first == second
    assert counted == [(2,)]
    assert isinstance(pipeline((insert, [3]), (insert, [1]), (insert, [4])), psycopg.errors.UniqueViolation)
    assert pipeline((count, [])) == [[(2,)]]


def test_a_statement_that_can_not_be_prepared_costs_those_after_it_nothing(pipeline):
    good, bad = "SELECT $1::TEXT", "SELECT $1::TEXT FROM missing"
    assert isinstance(pipeline((bad, ["a"]), (good, ["a"])), psycopg.errors.UndefinedTable)
    assert pipeline((good, ["b"])) == [[("b",)]]
    assert isinstance(pipeline((good, ["a"]), (bad, ["a"])), psycopg.errors.UndefinedTable)
    pipeline(("CREATE TEMPORARY TABLE missing AS SELECT 1", []))
    assert pipeline((bad, ["c"]), (good, ["d"])) == [[("c",)], [("d",)]]


def test_no_more_are_prepared_to_be_sent_together_than_there_is_room_for(pipeline, monkeypatch):
    monkeypatch.setattr(statements, "_PREPARED", 3)
    for number in (*range(5), *range(5)):
        assert pipeline((f"SELECT $1::INTEGER + {number}", [1])) == [[(1 + number,)]]
    ([(count,)],) = pipeline(("SELECT count(*) FROM pg_prepared_statements", []))
    assert count <= 3


def test_a_connection_that_is_cut_while_statements_are_under_way(connection, postgresql_url):
    kept = Statements(connection)
    kept.begin_pipeline()
    kept.send([("SELECT pg_sleep($1::FLOAT)", sent([20.0]))])
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    poll = select.poll()
    poll.register(kept.fileno(), select.POLLIN)

    def receive():
        while kept.received() is None:
            assert poll.poll(20_000)

    with pytest.raises(psycopg.OperationalError):
        receive()
    assert kept.closed
