"""PgBouncer between the server and PostgreSQL: statements are the right ones, or there is a clear error."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app.application import create_app, open_store
from app.conformance.raw_http import RawClient
from app.settings import Settings
from app.store.engine import engines
from tests import pgbouncer, postgresql
from tests.asgi import FLOWS
from tests.contention import check, servers
from tests.e2e.test_command import bearer
from tests.pgbouncer import pooled
from tests.serving import free_port, served, wait_for

pytestmark = [pytest.mark.postgresql, pgbouncer.installed]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A server of this module's own, at a port, and with the database `flows`."""
    node = postgresql.Node(tmp_path_factory.mktemp("pooled") / "data", free_port())
    yield node
    node.remove()


@pytest.fixture(autouse=True)
def database(node):
    """An empty database `flows`."""
    node.execute("DROP DATABASE IF EXISTS flows WITH (FORCE)")
    node.execute("CREATE DATABASE flows")


def direct(node):
    """The URL of the database, past the pooler."""
    return node.url.rpartition("/")[0] + "/flows"


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("session", {"default_pool_size": 30}),
        ("transaction", {"default_pool_size": 1}),
        ("transaction", {"default_pool_size": 5}),
        ("transaction", {"default_pool_size": 5, "server_round_robin": 1}),
        # PgBouncer as it is without further ado: it refuses `options`.
        ("transaction", {"default_pool_size": 5, "ignore_startup_parameters": "extra_float_digits"}),
        ("session", {"default_pool_size": 30, "ignore_startup_parameters": "extra_float_digits"}),
    ],
)
def test_clients_of_two_servers_behind_a_pooler_all_succeed(node, contract, mode, options):
    with pooled(node, "flows", mode, **options) as url, servers(url, contract, 2) as send:
        check(send)


def test_a_row_that_is_locked_does_not_stop_others_behind_a_pooler(node, contract):
    with pooled(node, "flows", "transaction", default_pool_size=4) as url, servers(url, contract, 1) as send:
        with psycopg.connect(direct(node)) as holder, ThreadPoolExecutor(12) as pool:
            holder.execute("SELECT 1 FROM flows WHERE slug = 'flow-0' FOR UPDATE")
            waiting = [pool.submit(send, 0, "PATCH", f"{FLOWS}flow-0/", {"title": "new"}) for _ in range(8)]
            asked = [("GET", f"{FLOWS}flow-0/"), ("GET", FLOWS), ("PATCH", f"{FLOWS}flow-1/", {"title": "new"})]
            assert [send(0, *one).status for one in asked] == [200] * 3
            assert {one.result(20).status for one in waiting} == {503}
        assert send(0, "PATCH", f"{FLOWS}flow-0/", {"title": "new"}).status == 200


def test_nothing_is_left_in_the_sessions_of_a_pooler(node, contract):
    with pooled(node, "flows", "transaction", default_pool_size=2) as url:
        with servers(url, contract, 1) as send:
            check(send)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
            for _ in range(5):
                assert other.execute("SHOW lock_timeout").fetchone() == ("0",)
                assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
                assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


@pytest.mark.alone(reason="the responses are given within a time")
def test_a_pooler_without_a_connection_to_give_is_503_in_time(node, contract):
    """In the mode that never takes one back from who keeps it."""
    with contextlib.closing(open_store(Settings(database_url=direct(node)), contract)) as store:
        store.migrate()
        store.tokens.add("root", superuser=True, secret="root")
    with pooled(node, "flows", "session", default_pool_size=2) as url:
        settings = Settings(database_url=f"{url}?connect_timeout=1")
        holders = [psycopg.connect(url, autocommit=True) for _ in range(2)]
        for holder in holders:
            holder.execute("SELECT 1")
        store = open_store(settings, contract)
        with served(create_app(settings, contract=contract, store=store)) as server, ThreadPoolExecutor(12) as pool:
            wire = RawClient(server)

            def ask(_number):
                started = time.monotonic()
                status = wire.send("GET", FLOWS, bearer("root")).status
                return status, time.monotonic() - started

            responses = list(pool.map(ask, range(12)))
            assert {status for status, _ in responses} == {503}
            assert max(seconds for _, seconds in responses) < engines.POSTGRESQL_CONNECT_TIMEOUT
            assert wire.send("GET", "/-/health/ready/").status == 503
            for holder in holders:
                holder.close()
            wait_for(lambda: ask(0)[0] == 200, "a connection")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_start_and_the_doctor_tell_of_a_pooler(node, run, start, mode):
    with pooled(node, "flows", mode, default_pool_size=20) as url:
        upgraded = run("db", "upgrade", FLOWS_DATABASE_URL=url, FLOWS_BOOTSTRAP_TOKEN="x" * 32)
        assert (upgraded.returncode, upgraded.stderr) == (0, "")
        found = run("doctor", FLOWS_DATABASE_URL=url)
        assert found.returncode == 0
        assert "warn  store      A connection pooler such as PgBouncer is in between" in found.stdout
        _, _, process = start(FLOWS_DATABASE_URL=url)
        assert "flows: A connection pooler such as PgBouncer is in between" in process.output.read_text()
    assert "pooler" not in run("doctor", FLOWS_DATABASE_URL=direct(node)).stdout


def test_a_pooler_that_takes_no_transactions_is_refused(node, run):
    with pooled(node, "flows", "statement") as url:
        found = run("db", "upgrade", FLOWS_DATABASE_URL=url)
        assert (found.returncode, found.stdout) == (1, "")
        (line,) = found.stderr.splitlines()
        assert line.startswith("flows: the database is not available: transaction blocks not allowed")


def test_options_of_the_url_that_a_pooler_refuses_are_not_left_out(node, run):
    with pooled(node, "flows", "session", ignore_startup_parameters="extra_float_digits") as url:
        found = run("db", "upgrade", FLOWS_DATABASE_URL=f"{url}?options=-c%20search_path%3Dother")
        assert found.returncode == 1
        assert "unsupported startup parameter: options" in found.stderr
        assert "Traceback" not in found.stderr
