"""Databases that answer, and can't be used as they are set up: a sentence that says why, and what to do."""

import itertools
import json

import psycopg
import pytest

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer

pytestmark = pytest.mark.postgresql

TOKEN = "t" * 32

_numbers = itertools.count()


@pytest.fixture
def create(postgresql_url, run):
    """Creates a database, with the tables of this version if it is not to be empty. Gives its URL."""

    def create(options="", *, upgraded=True):
        name = f"unfit_{next(_numbers)}"
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {options}")
        url = postgresql_url.replace("/postgres?", f"/{name}?")
        if upgraded:
            found = run("db", "upgrade", FLOWS_DATABASE_URL=url, FLOWS_BOOTSTRAP_TOKEN=TOKEN)
            assert (found.returncode, found.stderr) == (0, "")
        return url

    return create


@pytest.fixture(scope="module")
def as_reader(postgresql_url):
    """The URL of a database for a role that has no rights but those that are granted."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    return lambda url: url.replace("postgres:@", "reader:@")


def flow(**properties):
    number = next(_numbers)
    return {"name": f"Flow {number}", "slug": f"flow-{number}", "title": "T", "designation": "recovery"} | properties


def send(wire, method, path, properties=None):
    body = None if properties is None else json.dumps(properties).encode()
    return wire.send(method, path, bearer(TOKEN), body)


def fails(result):
    """What the doctor says of what fails, with its advice."""
    told = iter(result.stdout.splitlines())
    return [(line[17:], next(told, "").strip()) for line in told if line.startswith("fail")]


def test_a_role_that_may_only_read(create, run, start, as_reader):
    url = create()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    wire, _, process = start(FLOWS_DATABASE_URL=url)
    made = send(wire, "POST", FLOWS, flow()).json()
    stage = send(wire, "POST", "/api/v3/stages/dummy/", {"name": "stage"}).json()["pk"]
    process.terminate()
    wire, _, process = start(FLOWS_DATABASE_URL=as_reader(url))
    path = f"{FLOWS}{made['slug']}/"
    rejected = [
        ("POST", FLOWS, flow()),
        ("PATCH", path, {"title": "new"}),
        ("DELETE", path),
        ("POST", "/api/v3/stages/dummy/", {"name": "other"}),
        ("PATCH", f"/api/v3/stages/dummy/{stage}/", {"throw_error": True}),
        ("DELETE", f"/api/v3/stages/dummy/{stage}/"),
    ]
    for asked in rejected * 2:
        response = send(wire, *asked)
        assert (response.status, response.json()) == (503, {"detail": "The database is not available."})
    filtered = f"/api/v3/flows/bindings/?target={made['pk']}"
    for read in (FLOWS, path, filtered, f"/api/v3/stages/dummy/{stage}/", "/-/health/ready/"):
        assert send(wire, "GET", read).status == 200
    output = process.output.read_text()
    assert "Permission denied for table flows. `flows doctor` says what the role needs." in output
    assert "Traceback" not in output
    found = run("doctor", FLOWS_DATABASE_URL=as_reader(url))
    ((message, advice),) = fails(found)
    assert (found.returncode, message) == (1, "It accepts no changes from this role, or not all of them.")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(advice)
    assert fails(run("doctor", FLOWS_DATABASE_URL=as_reader(url))) == []
    assert [send(wire, *asked).status for asked in rejected] == [201, 200, 204, 201, 200, 204]


def test_a_role_that_may_read_nothing(create, run, as_reader):
    url = create()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON alembic_version TO reader")
    found = run("serve", FLOWS_DATABASE_URL=as_reader(url))
    assert (found.returncode, found.stdout) == (1, "")
    assert (
        found.stderr
        == "flows: Permission denied for table store_properties. `flows doctor` says what the role needs.\n"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        (_, advice), *_ = fails(run("doctor", FLOWS_DATABASE_URL=as_reader(url)))
        connection.execute(advice)
    assert fails(run("doctor", FLOWS_DATABASE_URL=as_reader(url))) == []


def test_a_role_that_may_make_no_tables(create, run, as_reader):
    url = create(upgraded=False)
    found = run("db", "upgrade", FLOWS_DATABASE_URL=as_reader(url))
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "flows: Permission denied for schema public. `flows doctor` says what the role needs.\n"
    (_, advice), *_ = fails(run("doctor", FLOWS_DATABASE_URL=as_reader(url)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(advice)
    assert run("db", "upgrade", FLOWS_DATABASE_URL=as_reader(url)).returncode == 0


def test_an_encoding_that_is_none(create, run):
    url = create("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", upgraded=False)
    message = (
        "The encoding of the database is SQL_ASCII, which stores bytes and not text. Create it with ENCODING 'UTF8' TEMPLATE"
        " template0."
    )
    for command in (["db", "upgrade"], ["serve"]):
        found = run(*command, FLOWS_DATABASE_URL=url)
        assert (found.returncode, found.stdout, found.stderr) == (1, "", f"flows: {message}\n")
    found = run("doctor", FLOWS_DATABASE_URL=url)
    assert found.returncode == 1
    assert message in fails(found)[0][0]


def test_an_encoding_that_can_not_store_every_text(create, run, start):
    url = create("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    wire, _, process = start(FLOWS_DATABASE_URL=url)
    known = send(wire, "POST", FLOWS, flow(title="Caf\u00e9")).json()
    path = f"{FLOWS}{known['slug']}/"
    assert send(wire, "GET", path).json()["title"] == "Caf\u00e9"
    assert len(send(wire, "GET", f"{FLOWS}?search=caf%C3%A9").json()["results"]) == 1
    for _ in range(2):
        asked = [("POST", FLOWS, flow(title="\u20ac")), ("PATCH", path, {"title": "\U0001f600"})]
        asked += [("GET", f"{FLOWS}?search=%E2%82%AC"), ("POST", "/api/v3/stages/dummy/", {"name": "\u4e2d"})]
        assert {send(wire, *one).status for one in asked} == {503}
    assert send(wire, "GET", path).json() == known
    output = process.output.read_text()
    assert "has no equivalent in encoding \\\"LATIN1\\\". A database with ENCODING 'UTF8' stores every text." in output
    assert "Traceback" not in output
    found = run("doctor", FLOWS_DATABASE_URL=url)
    assert found.returncode == 0
    assert "Its encoding is LATIN1: a text with other characters is rejected with 503." in found.stdout
