"""What a request has written is undone if its response turns out to break the contract: who was told of a failure finds nothing
changed, and nobody else notices.
"""

import contextlib
import functools
import sqlite3

import pytest

from app import errors
from app.application import create_app, handlers_of, load_contract, open_store
from app.settings import Settings
from tests.asgi import FLOWS, Client, pipelined
from tests.attacks.watching import stored
from tests.conftest import database_at, emptied
from tests.contract.test_commits import Connection
from tests.contract.test_pipeline import open_connections
from tests.contract_files import shipped
from tests.forms import form

BROKEN = "broken"
STAGES = "/api/v3/stages/dummy/"
BINDINGS = "/api/v3/flows/bindings/"
BLUEPRINT = b"""version: 1
entries:
  - model: authentik_flows.flow
    identifiers: {slug: imported}
    attrs: {name: a, title: a, designation: recovery}
"""
PATHS = (
    "flows_instances_create", "flows_instances_update", "flows_instances_partial_update", "flows_instances_set_background_create",
    "flows_instances_set_background_url_create", "stages_dummy_create", "stages_dummy_partial_update", "stages_dummy_update",
    "flows_bindings_create", "flows_bindings_partial_update", "flows_instances_import_create",
)  # fmt: skip


def wrong_object(result):
    return {"pk": 5}


def wrong_shape(result):
    return result._replace(represent=lambda _row: {"pk": 5}) if hasattr(result, "_replace") else 5


def failing_shape(result):
    return result._replace(represent=lambda row: {}[row]) if hasattr(result, "_replace") else 5


def failure(result):
    raise RuntimeError("after it was stored")


def rejection(result):
    raise errors.Rejected({"detail": "after it was stored"})


def breaking(handler, violated):
    """A handler that stores what it is sent, and then answers wrongly if that is broken."""

    @functools.wraps(handler)
    def handle(store, *given, **arguments):
        result = handler(store, *given, **arguments)
        return violated[0](result) if violated else result

    return handle


@pytest.fixture(scope="module")
def violated():
    """What the handlers make of their results, if anything."""
    return []


@pytest.fixture(scope="module", params=["at once", "with a look-up"])
def made(engine, violated, tmp_path_factory, request):
    """A store on each engine and an application whose handlers may answer wrongly. To look a token up may take a thread."""
    written = dict(handlers_of(shipped()))
    written |= {name: breaking(written[name], violated) for name in PATHS}
    contract = load_contract(Settings(), written)
    for url in database_at(engine, tmp_path_factory.mktemp("store"), request):
        settings = Settings(database_url=url, token_cache=1.0 if request.param == "at once" else 0.0)
        store = open_store(settings, contract)
        store.migrate()
        yield store, create_app(settings, contract=contract, store=store, served_by=written)
        store.close()


@pytest.fixture
def client(made, violated):
    """A client of the application, with a superuser's token; `violated` is empty."""
    violated.clear()
    emptied(made[0]).tokens.add("root", superuser=True, secret="root")
    client = Client(made[1], "root")
    client.store = made[0]
    if client.store.database.is_remote:
        client.get(FLOWS)
        open_connections(client)
    yield client
    violated.clear()


@pytest.fixture
def requests(client, make_flow):
    """Writes of all kinds, each of which succeeds: method, path, body or form."""
    flow = client.post(FLOWS, make_flow(slug="kept")).json()
    stage = client.post(STAGES, {"name": "kept"}).json()
    binding = client.post(BINDINGS, {"target": flow["pk"], "stage": stage["pk"], "order": 0}).json()
    path = f"{FLOWS}kept/"
    return [
        ("POST", FLOWS, make_flow()),
        ("PATCH", path, {"title": "other"}),
        ("PATCH", path, {"slug": "renamed"}),
        ("PATCH", path, {"title": "x" * 10_000}),
        ("PATCH", path + "?designation=authentication", {"title": "other"}),
        ("PUT", path, make_flow(slug="kept")),
        ("POST", path + "set_background/", form(file=("a.png", "image/png", b"x"))),
        ("POST", path + "set_background_url/", {"url": "https://flows.example/a.png"}),
        ("POST", STAGES, {"name": "new"}),
        ("PATCH", f"{STAGES}{stage['pk']}/", {"name": "other"}),
        ("PUT", f"{STAGES}{stage['pk']}/", {"name": "other"}),
        ("POST", BINDINGS, {"target": flow["pk"], "stage": stage["pk"], "order": 1}),
        ("PATCH", f"{BINDINGS}{binding['pk']}/", {"order": 2}),
        ("POST", f"{FLOWS}import/", form(file=("a.yaml", "application/yaml", BLUEPRINT))),
    ]


def sent(client, method, path, body):
    if isinstance(body, tuple):
        return client(method, path, body=body[0], headers=body[1])
    return client(method, path, body)


@pytest.mark.parametrize("wrongly", [wrong_object, wrong_shape, failing_shape, failure, rejection])
def test_a_write_is_undone(client, violated, requests, wrongly):
    before = stored(client.store)
    for method, path, body in requests:
        violated[:] = [wrongly]
        response = sent(client, method, path, body)
        assert response.status == (400 if wrongly is rejection else 500), (method, path)
        assert stored(client.store) == before, (method, path)
        violated.clear()
    # And each can be carried out after that.
    for method, path, body in requests[:2] + requests[3:]:
        assert sent(client, method, path, body).status in (200, 201), (method, path)
    assert stored(client.store) != before


def test_others_that_arrive_together_notice_nothing(client, violated, make_flow):
    flow = client.post(FLOWS, make_flow(slug="kept")).json()

    def only_of_some(result):
        row = getattr(result, "row", None)
        return {"pk": 5} if "broken" in str(row) else result

    violated[:] = [only_of_some]
    path = f"{FLOWS}kept/"
    responses = pipelined(
        client,
        ("GET", FLOWS, None),
        ("POST", FLOWS, make_flow(slug="first")),
        ("POST", FLOWS, make_flow(slug="broken-1")),
        ("PATCH", path, {"title": "new"}),
        ("POST", STAGES, {"name": "first"}),
        ("POST", STAGES, {"name": "broken"}),
        ("POST", STAGES, {"name": "first"}),
        ("POST", FLOWS, make_flow(slug="broken-2")),
        ("POST", FLOWS, make_flow(slug="last")),
    )
    # Two that want one name come in any order on a networked database.
    statuses = [response.status for response in responses]
    assert statuses[:6] + statuses[7:] in (
        [200, 201, 500, 200, 201, 500, 500, 201],
        [200, 201, 500, 200, 400, 500, 500, 201],
    )
    assert sorted((statuses[4], statuses[6])) == [201, 400]
    violated.clear()
    assert client.get(path).json() == flow | {"title": "new"}
    assert sorted(one["slug"] for one in client.get(FLOWS).json()["results"]) == ["first", "kept", "last"]
    assert [one["name"] for one in client.get(STAGES).json()["results"]] == ["first"]


def test_what_is_known_of_a_flow_is_what_is_stored(client, violated, make_flow):
    flow = client.post(FLOWS, make_flow(slug="kept")).json()
    path = f"{FLOWS}kept/"
    for title in ("1", "2"):
        assert client.patch(path, {"title": title}).status == 200
    violated[:] = [wrong_object]
    assert client.patch(path, {"title": "3", "name": "undone"}).status == 500
    violated.clear()
    assert client.get(path).json() == flow | {"title": "2"}
    assert client.patch(path, {"denied_action": "continue"}).json() == client.get(path).json()
    assert client.get(path).json() == flow | {"title": "2", "denied_action": "continue"}


@contextlib.contextmanager
def watched(store):
    """The connection that serves an embedded store."""
    session = store.database.read()
    real, connection = session._connection, Connection(session._connection)
    session._connection = session.group._connection = connection
    yield connection
    session._connection = session.group._connection = real


@pytest.fixture(scope="module")
def embedded(made):
    """Skips what is about SQLite only."""
    if made[0].database.is_remote:
        pytest.skip("PostgreSQL has no group commit of one connection")


def test_it_costs_others_no_savepoint_and_one_commit(embedded, client, violated, make_flow):
    with watched(client.store) as connection:
        responses = pipelined(client, *(("POST", FLOWS, make_flow()) for _ in range(5)))
    assert [response.status for response in responses] == [201] * 5
    assert (connection.count("SAVEPOINT"), connection.count("BEGIN"), connection.count("COMMIT")) == (0, 1, 1)


def test_others_are_carried_out_again_if_another_process_comes_between(embedded, client, violated, make_flow):
    path = client.store.database.address.path

    class Interrupted(Connection):
        def execute(self, sql, *parameters):
            result = super().execute(sql, *parameters)
            if sql == "ROLLBACK" and self.count("ROLLBACK") == 1:
                with contextlib.closing(sqlite3.connect(path)) as other, other:
                    other.execute("UPDATE flows SET title = 'theirs'")
            return result

    kept = client.post(FLOWS, make_flow(slug="kept")).json()
    violated[:] = [lambda result: {"pk": 5} if "broken" in str(result.row) else result]
    with watched(client.store) as connection:
        connection.__class__ = Interrupted
        responses = pipelined(
            client, ("POST", FLOWS, make_flow(slug="first")), ("POST", FLOWS, make_flow(slug="broken"))
        )
    assert [response.status for response in responses] == [201, 500]
    assert client.get(FLOWS).json()["results"] == [responses[0].json(), kept | {"title": "theirs"}]
