"""Several processes on one store: nothing is lost, nothing is there twice, nothing fails."""

import concurrent.futures
import itertools
import json
import multiprocessing
import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.conformance.raw_http import RawClient
from tests.asgi import FLOWS
from tests.e2e.conftest import environment, launch, start  # noqa: F401  # fixtures

HEADERS = [("Authorization", "Bearer storm"), ("Content-Type", "application/json")]
CLIENTS = 8


def send(url, method, path, body=None):
    response = RawClient(url).send(method, path, HEADERS, None if body is None else json.dumps(body).encode())
    return response.status, (response.json() if response.body else None)


def flow(slug, **properties):
    return {"name": slug, "slug": slug, "title": "T", "designation": "recovery"} | properties


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request, start, tmp_path):  # noqa: F811  # the fixture
    """A server of three processes on an empty store."""
    variables = {"FLOWS_WORKERS": "3", "FLOWS_BOOTSTRAP_TOKEN": "storm", "FLOWS_LOG_LEVEL": "warning"}
    if request.param == "postgresql":
        import psycopg

        server = request.getfixturevalue("postgresql_url")
        name = f"storm_{random.getrandbits(32)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        variables["FLOWS_DATABASE_URL"] = server.replace("/postgres?", f"/{name}?")
        command = Path(sys.executable).parent / "flows"
        subprocess.run(
            [command, "db", "upgrade"], env=variables | {"PATH": "/usr/bin:/bin"}, check=True, capture_output=True
        )
    wire, _, process = start(**variables)
    yield f"http://{wire.host}"
    assert "Traceback" not in process.output.read_text()


@pytest.fixture(scope="module")
def clients():
    with concurrent.futures.ProcessPoolExecutor(CLIENTS, multiprocessing.get_context("forkserver")) as pool:
        yield pool


def test_one_of_many_creates_of_a_slug_wins(url, clients):
    for number in range(6):
        body = flow(f"same-{number}")
        responses = list(clients.map(send, *zip(*[(url, "POST", FLOWS, body)] * CLIENTS, strict=True)))
        assert sorted(status for status, _ in responses) == [201] + [400] * (CLIENTS - 1)
        assert {json.dumps(body) for status, body in responses if status == 400} == {
            '{"slug": ["Flow with this slug already exists."]}'
        }


def test_renames_into_each_other_leave_each_flow_one_slug(url, clients):
    created = [send(url, "POST", FLOWS, flow(f"flow-{number}"))[1] for number in range(CLIENTS)]
    for _ in range(4):
        calls = [
            (url, "PATCH", f"{FLOWS}flow-{number}/", {"slug": f"flow-{(number + 1) % CLIENTS}"})
            for number in range(CLIENTS)
        ]
        calls += [(url, "PATCH", f"{FLOWS}flow-{number}/", {"slug": "the-one"}) for number in range(CLIENTS)]
        statuses = {status for status, _ in clients.map(send, *zip(*calls, strict=True))}
        assert statuses <= {200, 400, 404}
    results = send(url, "GET", f"{FLOWS}?page_size=1000")[1]["results"]
    assert sorted(found["pk"] for found in results) == sorted(made["pk"] for made in created)
    assert len({found["slug"] for found in results}) == CLIENTS


def change_many(url, number):
    """Writes of one client, each followed by a read; returns what was acknowledged last."""
    rng = random.Random(number)
    kept = {}
    for step in range(25):
        slug = f"own-{number}-{step}"
        status, _ = send(url, "POST", FLOWS, flow(slug, name="0"))
        assert status == 201, status
        kept[slug] = "0"
        other = rng.choice(sorted(kept))
        if rng.random() < 0.3:
            assert send(url, "DELETE", f"{FLOWS}{other}/")[0] == 204
            del kept[other]
        else:
            status, changed = send(url, "PATCH", f"{FLOWS}{other}/", {"name": str(step)})
            assert (status, changed["name"]) == (200, str(step))
            kept[other] = str(step)
    return kept


def page_through(url, size):
    """The slugs of all pages, as a client sees them that follows `next`."""
    found, page = [], 1
    while page:
        status, response = send(url, "GET", f"{FLOWS}?page_size={size}&page={page}&ordering=slug")
        if status == 404:
            break
        assert status == 200
        found += [flow["slug"] for flow in response["results"]]
        page = response["pagination"]["next"]
    return found


def test_nothing_acknowledged_is_lost_while_others_page(url, clients):
    # Those that stay sort before all that come and go, so that each page of them is the same at any time.
    staying = [f"a-{number:02}" for number in range(30)]
    for slug in staying:
        assert send(url, "POST", FLOWS, flow(slug))[0] == 201
    writers = [clients.submit(change_many, url, number) for number in range(4)]
    readers = [clients.submit(page_through, url, size) for size in itertools.islice(itertools.cycle((3, 7, 10)), 12)]
    for reader in readers:
        known = reader.result(120)
        assert [slug for slug in known if slug.startswith("a-")] == staying
    wanted = {slug: slug for slug in staying}
    for writer in writers:
        wanted |= writer.result(120)
    results = send(url, "GET", f"{FLOWS}?page_size=10000")[1]["results"]
    assert {found["slug"]: found["name"] for found in results} == wanted
