"""PostgreSQL that goes away, is slow, or is at odds with itself: clients see answers or 503, and it all goes on by itself."""

import contextlib
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app import errors
from app.application import create_app, open_store
from app.conformance.raw_http import RawClient
from app.settings import Settings
from app.store.engine import engines
from tests import postgresql
from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import served, wait_for
from tests.storm import Storm

# Seconds within which a server serves again once the database does.
RECOVERY = 2
STAGES = "/api/v3/stages/dummy/"

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this module's own, to stop and start."""
    server = postgresql.start(tmp_path_factory.mktemp("outages"))
    yield server
    server.cleanup()


@pytest.fixture
def url(server):
    """The URL of an empty database."""
    server.ensure_postgres_running()
    name = f"outage_{next(_numbers)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.get_uri(name)


@pytest.fixture
def serve(url, contract):
    """Serves an application on the database. Gives a function that sends a request."""
    with contextlib.ExitStack() as stack:

        def serve(**changes):
            settings = Settings(database_url=url, **{"token_cache": 0.0} | changes)
            store = open_store(settings, contract)
            store.migrate()
            store.tokens.add("root", superuser=True, secret="root")
            wire = RawClient(stack.enter_context(served(create_app(settings, contract=contract, store=store))))

            def send(method, path, properties=None):
                body = None if properties is None else json.dumps(properties).encode()
                return wire.send(method, path, bearer("root"), body)

            send.wire = wire
            return send

        yield serve


def flow(**properties):
    number = next(_numbers)
    return {"name": f"Flow {number}", "slug": f"flow-{number}", "title": "T", "designation": "recovery"} | properties


def assert_unavailable(response):
    assert (response.status, response.json()) == (503, {"detail": "The database is not available."})
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("signal", ["fast", "immediate"])
def test_a_restart_loses_nothing_that_was_acknowledged(serve, server, signal):
    send = serve()
    with Storm(send.wire, "root") as storm:
        wait_for(lambda: storm.acknowledged > 20, "the first flows")
        if signal == "fast":
            server.stop()
        else:
            postgresql.crash(server)
        wait_for(lambda: 503 in storm.statuses, "the outage")
        assert_unavailable(send("GET", FLOWS))
        assert send("GET", "/-/health/live/").status == 200
        assert send("GET", "/-/health/ready/").status == 503
        before = storm.acknowledged
        server.ensure_postgres_running()
        wait_for(lambda: storm.acknowledged > before, "the recovery", RECOVERY)
        wait_for(lambda: send("GET", "/-/health/ready/").status == 200, "readiness", RECOVERY)
    storm.check()


def test_connections_that_are_cut(serve, url):
    send = serve()
    with Storm(send.wire, "root") as storm, psycopg.connect(url, autocommit=True) as connection:
        for _ in range(20):
            before = storm.acknowledged
            wait_for(lambda before=before: storm.acknowledged > before, "a flow", RECOVERY)
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    storm.check()


def test_a_connection_that_is_cut_within_a_transaction(serve, url):
    send = serve()
    assert send("POST", FLOWS, flow(slug="a")).status == 201
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT 1 FROM flows WHERE slug = 'a' FOR UPDATE")
        waiting = pool.submit(send, "PATCH", FLOWS + "a/", {"title": "Other"})
        blocked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        (pid,) = wait_for(lambda: other.execute(blocked).fetchone(), "the wait for the row")
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert_unavailable(waiting.result(30))
    assert send("GET", FLOWS + "a/").json()["title"] == "T"
    assert send("PATCH", FLOWS + "a/", {"title": "Other"}).status == 200


def test_a_transaction_that_is_cut_before_its_end_is_tried_again(serve, url):
    send = serve()
    stage = send("POST", STAGES, {"name": "a"}).json()["pk"]
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT 1 FROM objects FOR UPDATE")
        waiting = pool.submit(send, "PATCH", f"{STAGES}{stage}/", {"throw_error": True})
        blocked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        (pid,) = wait_for(lambda: other.execute(blocked).fetchone(), "the wait for the row")
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        wait_for(lambda: (found := other.execute(blocked).fetchone()) and found != (pid,), "the second try")
        holder.rollback()
        response = waiting.result(30)
    assert (response.status, response.json()["throw_error"]) == (200, True)


@pytest.mark.parametrize("signal", ["fast", "immediate"])
def test_a_restart_while_nothing_is_asked_is_not_noticed(serve, server, signal):
    send = serve(token_cache=1.0)

    def write(number):
        made = flow()
        path = f"{FLOWS}{made['slug']}/"
        asked = [("POST", FLOWS, made), ("GET", path), ("PATCH", path, {"title": str(number)}), ("DELETE", path)]
        return [send(*one).status for one in asked]

    with ThreadPoolExecutor(16) as pool:
        # All threads have a connection then.
        assert list(pool.map(write, range(32))) == [[201, 200, 200, 204]] * 32
        server.stop() if signal == "fast" else postgresql.crash(server)
        server.ensure_postgres_running()
        assert list(pool.map(write, range(32))) == [[201, 200, 200, 204]] * 32


def test_a_statement_is_not_sent_to_a_server_that_has_gone(url, contract):
    """Nobody could tell whether it was carried out."""
    store = open_store(Settings(database_url=url), contract)
    store.migrate()
    with contextlib.closing(store), psycopg.connect(url, autocommit=True) as other:
        properties = flow() | {"background": "", "policy_engine_mode": "any", "compatibility_mode": False}
        properties |= {"layout": "stacked", "denied_action": "message", "authentication": "none"}
        store.flows.add(properties)
        ours = "datname = current_database() AND pid <> pg_backend_pid()"
        # Waits for their end.
        other.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}")
        properties["slug"] = "other"
        with pytest.raises(errors.SerializationFailure):
            store.flows.add(properties)
        store.flows.add(properties)


def test_a_statement_that_takes_too_long(serve, url, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_STATEMENT_TIMEOUT", 300)
    send = serve()
    assert send("POST", FLOWS, flow(slug="a")).status == 201
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE flows IN ACCESS EXCLUSIVE MODE")
        assert_unavailable(send("GET", FLOWS))
        assert_unavailable(send("PATCH", FLOWS + "a/", {"title": "Other"}))
        assert_unavailable(send("POST", FLOWS, flow()))
        assert send("GET", "/-/health/ready/").status == 200
    assert send("PATCH", FLOWS + "a/", {"title": "Other"}).status == 200


def test_a_pool_that_is_exhausted(serve, url, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_STATEMENT_TIMEOUT", 1500)
    monkeypatch.setattr(engines, "POSTGRESQL_CONNECT_TIMEOUT", 1)
    send = serve(database_pool=2)
    assert send("POST", FLOWS, flow(slug="a")).status == 201
    with psycopg.connect(url) as holder, ThreadPoolExecutor(8) as pool:
        holder.execute("LOCK TABLE flows IN ACCESS EXCLUSIVE MODE")
        waiting = [pool.submit(send, "GET", FLOWS) for _ in range(8)]
        assert send("GET", "/-/health/live/").status == 200
        holder.rollback()
        responses = [one.result(60) for one in waiting]
    assert {response.status for response in responses} <= {200, 503}
    assert send("GET", FLOWS).status == 200


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_transactions_that_can_not_be_put_in_order(serve, server, url, level):
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    send = serve()
    assert send("POST", FLOWS, flow(slug="a")).status == 201

    def change(number):
        return send("PATCH", FLOWS + "a/", {"title": f"Title {number}", "name": f"Name {number}"})

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(change, range(100)))
    assert {response.status for response in responses} == {200}
    last = send("GET", FLOWS + "a/").json()
    assert last["title"].split()[1] == last["name"].split()[1]


def test_a_primary_that_became_a_standby(serve, server, url):
    name = url.partition("?")[0].rpartition("/")[2]
    send = serve()
    assert send("POST", FLOWS, flow(slug="a")).status == 201

    def restrict(value):
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    restrict("on")
    wait_for(lambda: send("GET", FLOWS).status == 200, "reading", RECOVERY)
    assert_unavailable(send("POST", FLOWS, flow()))
    assert_unavailable(send("PATCH", FLOWS + "a/", {"title": "Other"}))
    assert_unavailable(send("DELETE", FLOWS + "a/"))
    restrict("off")
    wait_for(lambda: send("PATCH", FLOWS + "a/", {"title": "Other"}).status == 200, "writing", RECOVERY)
