"""An embedded store whose disk is full, read-only or broken: refused until it is right again, and nothing is lost."""

import pytest

from app.application import create_app, open_store
from tests.asgi import FLOWS, Client
from tests.contract.test_commits import pipelined


@pytest.fixture
def served(settings, contract):
    """A client of an application on a store of its own, and the connection that serves."""
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    client = Client(create_app(settings, contract=contract, store=store), "root")
    client.store = store
    yield client, store.database.read()._connection
    store.close()


def assert_unavailable(response):
    assert (response.status, response.json()) == (503, {"detail": "The database is not available."})
    assert response.headers["retry-after"] == "1"


def large(make_flow):
    """A flow that takes more pages than are left."""
    return make_flow(title="x" * 50_000)


@pytest.mark.parametrize(
    ("fault", "repair"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    ],
    ids=["full", "read-only"],
)
def test_writes_are_refused_while_a_disk_is(served, make_flow, fault, repair, capfd):
    client, connection = served
    kept = client.post(FLOWS, make_flow()).json()
    connection.execute(fault)
    for response in pipelined(client, ("POST", FLOWS, large(make_flow)), ("POST", FLOWS, large(make_flow))):
        assert_unavailable(response)
    assert_unavailable(client.patch(f"{FLOWS}{kept['slug']}/", {"title": "x" * 50_000}))
    assert client.get(FLOWS).json()["results"] == [kept]
    assert client.get("/-/health/ready/").status == 200
    connection.execute(repair)
    assert client.post(FLOWS, large(make_flow)).status == 201
    assert client.patch(f"{FLOWS}{kept['slug']}/", {"title": "x"}).status == 200
    assert client.get(FLOWS).json()["pagination"]["count"] == 2


def test_a_store_that_breaks_while_it_serves(served, make_flow):
    client, connection = served
    for _ in range(50):
        client.post(FLOWS, make_flow())
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = client.store.database.address.path
    sound = path.read_bytes()
    client.store.close()
    # All but the first page, which says what there is.
    path.write_bytes(sound[:4096] + b"\xff" * (len(sound) - 4096))
    assert_unavailable(client.get(FLOWS))
    assert_unavailable(client.post(FLOWS, make_flow()))
    client.store.close()
    path.write_bytes(sound)
    assert client.get(FLOWS).json()["pagination"]["count"] == 50
    assert client.post(FLOWS, make_flow()).status == 201
