"""Several servers on one database: they behave as one, and they start at once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests import commands
from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.forms import form
from tests.serving import wait_for

# Servers of one store start as they do for users.
LAUNCH = commands.installed

# Seconds that a token is remembered.
MEMORY = 1
MANY = 10

BLUEPRINT = b"""entries:
- model: authentik_flows.flow
  identifiers: {slug: imported}
  attrs: {name: Imported, title: Imported, designation: recovery}
- model: authentik_flows.flow
  identifiers: {slug: a}
  attrs: {title: Changed}
"""


@pytest.fixture
def database(postgresql_url):
    """The URL of an empty PostgreSQL database."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE several")
    yield postgresql_url.replace("/postgres?", "/several?")
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE several WITH (FORCE)")


@pytest.mark.alone(reason="a revoked token is refused within a time")
def test_two_servers_behave_as_one(start, run, database):
    variables = {"FLOWS_DATABASE_URL": database, "FLOWS_BOOTSTRAP_TOKEN": "root"}
    assert run("db", "upgrade", **variables).returncode == 0
    one, other = (start(**variables)[0] for _ in range(2))

    def send(server, method, path, body=None, token="root"):
        return server.send(method, path, bearer(token), None if body is None else json.dumps(body).encode())

    assert send(one, "POST", FLOWS, FLOW).status == 201
    for number in range(20):
        # The server that did not make the change has read the flow just before.
        one, other = other, one
        title = f"Title {number}"
        assert send(other, "GET", f"{FLOWS}a/").status == 200
        assert send(one, "PATCH", f"{FLOWS}a/", {"title": title}).status == 200
        assert send(other, "GET", f"{FLOWS}a/").json()["title"] == title
        assert [flow["title"] for flow in send(other, "GET", FLOWS).json()["results"]] == [title]
    assert send(one, "PATCH", f"{FLOWS}a/", {"slug": "b"}).status == 200
    assert send(other, "GET", f"{FLOWS}a/").status == 404
    assert send(other, "PATCH", f"{FLOWS}b/", {"slug": "a"}).status == 200
    assert send(one, "GET", f"{FLOWS}a/").status == 200
    body, headers = form(file=("a.yaml", "application/yaml", BLUEPRINT))
    imported = one.send("POST", f"{FLOWS}import/", [("Authorization", "Bearer root"), *headers.items()], body)
    assert imported.status == 200
    assert send(other, "GET", f"{FLOWS}imported/").json()["name"] == "Imported"
    assert send(other, "GET", f"{FLOWS}a/").json()["title"] == "Changed"
    reader = run("token", "create", "reader", "--superuser", **variables).stdout.strip()
    for server in (one, other):
        assert send(server, "GET", FLOWS, token=reader).status == 200
    assert run("token", "revoke", "reader", **variables).returncode == 0
    revoked = time.monotonic()
    for server in (one, other):
        wait_for(lambda server=server: send(server, "GET", FLOWS, token=reader).status == 403, "the refusal")
    assert time.monotonic() - revoked < MEMORY + 0.5


def test_many_upgrades_at_once_apply_once(run, database):
    variables = {"FLOWS_DATABASE_URL": database, "FLOWS_BOOTSTRAP_TOKEN": "root"}
    with psycopg.connect(database) as holder, ThreadPoolExecutor(MANY) as pool:
        # None gets on before all have come.
        holder.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        holder.execute("SELECT pg_advisory_xact_lock(7203981)")
        running = [pool.submit(run, "db", "upgrade", **variables) for _ in range(MANY)]
        with psycopg.connect(database, autocommit=True) as observer:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'several'"
            wait_for(lambda: observer.execute(waiting).fetchone() == (MANY,), "all upgrades")
        holder.rollback()
        results = [one.result() for one in running]
    assert [(result.returncode, result.stderr) for result in results] == [(0, "")] * MANY
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (1,)
    assert run("db", "current", **variables).returncode == 0


def test_many_embedded_servers_start_at_once(start):
    with ThreadPoolExecutor(MANY) as pool:
        started = list(pool.map(lambda _: start(), range(MANY)))
    tokens = [token for _, token, _ in started if token]
    assert len(tokens) == 1
    for number, (wire, _, process) in enumerate(started):
        flow = FLOW | {"slug": f"flow-{number}"}
        assert wire.send("POST", FLOWS, bearer(*tokens), json.dumps(flow).encode()).status == 201
        assert "Traceback" not in process.output.read_text()
    for wire, _, _ in started:
        assert wire.send("GET", FLOWS, bearer(*tokens)).json()["pagination"]["count"] == MANY
