"""Statements below psycopg's cursor: values, rows and errors are those that the cursor would give."""

import select
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import pq

from app.store.engine import engines
from app.store.engine.postgresql import prepared as statements
from app.store.engine.postgresql.prepared import Failed, Statements, sent

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


def test_the_name_of_a_statement_tells_its_text(connection, execute, postgresql_url):
    names = "SELECT name FROM pg_prepared_statements ORDER BY name"
    for number in (1, 2, 1):
        execute(f"SELECT $1::INTEGER + {number}", [1])
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        again = Statements(other).execute
        for number in (2, 1):
            again(f"SELECT $1::INTEGER + {number}", [1])
        assert other.execute(names).fetchall() == connection.execute(names).fetchall()
    assert len(set(connection.execute(names).fetchall())) == 2


def test_a_statement_that_somebody_else_has_prepared_or_dropped_is_executed(connection, execute):
    """As behind a pooler that does not look like one."""
    other = Statements(connection).execute
    sql = "SELECT $1::INTEGER + 1"
    for number in range(3):
        assert execute(sql, [number]).fetchone() == other(sql, [number]).fetchone() == (number + 1,)
        connection.execute("DEALLOCATE ALL")
    # Within a transaction PostgreSQL has rolled it back, and all of it has to be tried again.
    for expected in (psycopg.errors.InvalidSqlStatementName, None):
        execute("BEGIN")
        if expected is None:
            assert execute(sql, [1]).fetchone() == (2,)
        else:
            with pytest.raises(expected):
                execute(sql, [1])
        execute("ROLLBACK")


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
    """Sends statements together, and gives the rows of each, or why all have failed."""
    kept = Statements(connection)
    kept.begin_pipeline()

    def send(*texts):
        kept.send([(sql, sent(parameters)) for sql, parameters in texts])
        poll = select.poll()
        poll.register(kept.fileno(), select.POLLIN)
        while (results := kept.received()) is None:
            assert poll.poll(20_000)
        assert kept.received() is None
        return results if isinstance(results, Failed) else [result.fetchall() for result in results]

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
    error, place = pipeline((insert, [3]), (insert, [1]), (insert, [4]))
    assert (type(error), place) == (psycopg.errors.UniqueViolation, 1)
    assert pipeline((count, [])) == [[(2,)]]


def test_a_statement_that_can_not_be_prepared_costs_those_after_it_nothing(pipeline):
    good, bad = "SELECT $1::TEXT", "SELECT $1::TEXT FROM missing"
    error, place = pipeline((bad, ["a"]), (good, ["a"]))
    assert (type(error), place) == (psycopg.errors.UndefinedTable, 0)
    assert pipeline((good, ["b"])) == [[("b",)]]
    error, place = pipeline((good, ["a"]), (bad, ["a"]))
    assert (type(error), place) == (psycopg.errors.UndefinedTable, 1)
    pipeline(("CREATE TEMPORARY TABLE missing AS SELECT 1", []))
    assert pipeline((bad, ["c"]), (good, ["d"])) == [[("c",)], [("d",)]]


def test_what_somebody_else_has_prepared_or_dropped_costs_one_try(connection):
    def client():
        kept = Statements(connection)

        def execute(*texts):
            kept.send([(sql, sent(parameters)) for sql, parameters in texts])
            while (results := kept.received()) is None:
                assert select.select([kept], [], [], 20)[0]
            return results

        return execute

    connection.pgconn.enter_pipeline_mode()
    one, other = client(), client()
    good, sql = ("SELECT 1", []), ("SELECT $1::TEXT", ["a"])
    assert [result.fetchone() for result in one(good, sql)] == [(1,), ("a",)]
    for error, place in (
        (psycopg.errors.DuplicatePreparedStatement, 0),
        (psycopg.errors.DuplicatePreparedStatement, 1),
    ):
        failed = other(good, sql)
        assert (type(failed.error), failed.place) == (error, place)
    assert [result.fetchone() for result in other(good, sql)] == [(1,), ("a",)]
    connection.pgconn.exit_pipeline_mode()
    connection.execute("DEALLOCATE ALL")
    connection.pgconn.enter_pipeline_mode()
    for place in (0, 1):
        failed = one(good, sql)
        assert (type(failed.error), failed.place) == (psycopg.errors.InvalidSqlStatementName, place)
    assert [result.fetchone() for result in one(good, sql)] == [(1,), ("a",)]


def test_no_more_are_prepared_to_be_sent_together_than_there_is_room_for(pipeline, monkeypatch):
    monkeypatch.setattr(statements, "_PREPARED", 3)
    for number in (*range(5), *range(5)):
        assert pipeline((f"SELECT $1::INTEGER + {number}", [1])) == [[(1 + number,)]]
    ([(count,)],) = pipeline(("SELECT count(*) FROM pg_prepared_statements", []))
    assert count <= 3


FAILING_COMMIT = """
CREATE TEMPORARY TABLE numbers (number integer);
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no' USING ERRCODE = 'serialization_failure';
END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()
"""


def test_statements_whose_commit_fails_are_all_rolled_back(connection, pipeline):
    connection.pgconn.exit_pipeline_mode()
    connection.execute(FAILING_COMMIT)
    connection.pgconn.enter_pipeline_mode()
    insert, count = "INSERT INTO numbers VALUES ($1)", "SELECT count(*) FROM numbers"
    for _ in range(2):
        error, place = pipeline((insert, [1]), (count, []))
        assert (type(error), place) == (psycopg.errors.SerializationFailure, None)
        assert pipeline((count, [])) == [[(0,)]]


class Server:
    """A libpq connection whose results are given; it stands for one that breaks its protocol."""

    def __init__(self, results):
        self._results = results

    def __getattr__(self, _name):
        return lambda *_: None

    def is_busy(self):
        return False

    def get_result(self):
        return self._results.pop(0) if self._results else None


@pytest.mark.parametrize("count", [0, 1, 3])
def test_results_that_are_not_those_of_the_statements_are_an_error(connection, monkeypatch, count):
    responses = [SimpleNamespace(status=pq.ExecStatus.TUPLES_OK)] * count
    monkeypatch.setattr(connection, "pgconn", Server([*responses, SimpleNamespace(status=pq.ExecStatus.PIPELINE_SYNC)]))
    kept = Statements(connection)
    # It is prepared, and executed.
    kept.send([("SELECT 1", sent([]))])
    with pytest.raises(psycopg.OperationalError, match=f"2 statements have {count} results"):
        kept.received()


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


@pytest.fixture
def holder(postgresql_url):
    """A connection of somebody who holds a lock: `pg_advisory_lock(1)`."""
    with psycopg.connect(postgresql_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        yield holder


SETTINGS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


@pytest.mark.parametrize("direct", [True, False])
def test_statements_wait_no_longer_for_a_lock_than_they_may(connection, holder, direct):
    kept = Statements(connection, direct=direct)
    for always in (False, direct):
        kept.wait_for_locks(15, always=always)
        for transaction in (False, True):
            if transaction:
                kept.execute(kept.begin)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                kept.execute("SELECT pg_advisory_lock($1)", [1])
            if transaction:
                kept.execute("ROLLBACK")
        assert kept.execute(SETTINGS, []).fetchone()[1] == "15ms"
    kept.begin_pipeline()
    kept.send([(SETTINGS, sent([]))])
    while (results := kept.received()) is None:
        assert select.select([kept], [], [], 20)[0]
    assert results[0].fetchone()[1] == "15ms"


def test_behind_a_pooler_nothing_is_left_in_the_session(connection):
    kept = Statements(connection, direct=False)
    before = connection.execute(SETTINGS).fetchone()
    timeout = f"{engines.POSTGRESQL_STATEMENT_TIMEOUT // 1000}s"
    assert kept.execute(SETTINGS, []).fetchone() == (timeout, "2s")
    kept.wait_for_locks(20, always=True)
    assert kept.execute(SETTINGS, []).fetchone() == (timeout, "20ms")
    kept.execute(kept.begin)
    assert kept.execute(SETTINGS, []).fetchone() == (timeout, "20ms")
    assert kept.execute("SELECT $1::TEXT, $2::BYTEA", ["a", b"\x00"]).fetchone() == ("a", b"\x00")
    kept.execute("COMMIT")
    with pytest.raises(psycopg.errors.DivisionByZero):
        kept.execute("SELECT 1 / $1::INTEGER", [0])
    assert kept.execute("SELECT $1::TEXT", ["b"]).fetchone() == ("b",)
    assert connection.execute(SETTINGS).fetchone() == before
    assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_a_server_that_does_not_answer_in_time_is_given_up(connection, holder, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_RESPONSE_TIMEOUT", 0.1)
    kept = Statements(connection, direct=False)
    with pytest.raises(psycopg.OperationalError, match="no response in time"):
        kept.execute("SELECT pg_sleep($1::FLOAT)", [5.0])
    assert kept.closed
