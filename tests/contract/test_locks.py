"""An embedded store that another connection has locked: who writes waits by a timer, and nobody else waits."""

import asyncio
import contextlib
import sqlite3

import orjson
import pytest

from app import determinism
from app.store.engine import locking
from app.store.engine.sqlite import group_commit as grouping
from tests.asgi import FLOWS, Client, client_loop
from tests.contract.test_commits import Connection
from tests.forms import form

STAGES = "/api/v3/stages/dummy/"
JSON = {"content-type": "application/json"}


@pytest.fixture
def other(client, store):
    """Another connection to the store."""
    with contextlib.closing(sqlite3.connect(store.database.address.path, isolation_level=None, timeout=0)) as other:
        yield other


def sent(client, method, path, properties=None, body=None, headers=JSON):
    """Begin a request. :returns: its task"""
    body = body or (b"" if properties is None else orjson.dumps(properties))
    headers = {"authorization": f"Bearer {client.token}", "content-length": str(len(body)), **headers}
    return asyncio.ensure_future(client._send(method, path, "", headers, [body]))


def while_locked(client, other, *requests):
    """Send requests while the store is locked, and read meanwhile. :returns: their answers, after it is unlocked"""

    async def run():
        other.execute("BEGIN IMMEDIATE")
        waiting = [sent(client, *request) for request in requests]
        for path in (FLOWS, STAGES, f"{FLOWS}nope/", "/-/health/live/", "/-/metrics/"):
            assert (await sent(client, "GET", path)).status in (200, 404)
        assert not any(task.done() for task in waiting)
        other.execute("COMMIT")
        return await asyncio.gather(*waiting)

    return client_loop(run())


def creation(make_flow, **_):
    return ("POST", FLOWS, make_flow()), 201


def change(flow, **_):
    return ("PATCH", f"{FLOWS}{flow['slug']}/", {"title": "changed"}), 200


def replacement(flow, **_):
    return (
        "PUT",
        f"{FLOWS}{flow['slug']}/",
        {name: flow[name] for name in ("name", "slug", "title", "designation")},
    ), 200


def deletion(flow, **_):
    return ("DELETE", f"{FLOWS}{flow['slug']}/"), 204


def upload(flow, **_):
    body, headers = form(file=("picture.png", "image/png", b"\x89PNG"))
    return ("POST", f"{FLOWS}{flow['slug']}/set_background/", None, body, headers), 200


def blueprint(**_):
    entry = (
        b"{model: authentik_flows.flow, identifiers: {slug: new}, attrs: {name: N, title: T, designation: recovery}}"
    )
    body, headers = form(file=("b.yaml", "application/yaml", b"version: 1\nentries: [" + entry + b"]"))
    return ("POST", f"{FLOWS}import/", None, body, headers), 200


def creation_of_a_stage(**_):
    return ("POST", STAGES, {"name": "new"}), 201


def change_of_a_stage(stage, **_):
    return ("PATCH", f"{STAGES}{stage}/", {"name": "changed"}), 200


def deletion_of_a_stage(stage, **_):
    return ("DELETE", f"{STAGES}{stage}/"), 204


def binding(flow, stage, **_):
    return ("POST", "/api/v3/flows/bindings/", {"target": flow["pk"], "stage": stage, "order": 0}), 201


@pytest.mark.parametrize(
    "write",
    [
        creation,
        change,
        replacement,
        deletion,
        upload,
        blueprint,
        creation_of_a_stage,
        change_of_a_stage,
        deletion_of_a_stage,
        binding,
    ],
)
def test_a_write_waits_for_the_lock_and_is_carried_out_once_while_others_read(client, other, make_flow, write):
    flow = client.post(FLOWS, make_flow()).json()
    stage = client.post(STAGES, {"name": "stage"}).json()["pk"]
    request, status = write(flow=flow, stage=stage, make_flow=make_flow)
    before = other.execute("SELECT (SELECT count(*) FROM flows), (SELECT count(*) FROM objects)").fetchone()
    (response,) = while_locked(client, other, request)
    assert response.status == status, response.body
    after = other.execute("SELECT (SELECT count(*) FROM flows), (SELECT count(*) FROM objects)").fetchone()
    assert sum(after) - sum(before) in (-1, 0, 1)
    assert (after != before) == (write in (creation, deletion, blueprint, creation_of_a_stage, deletion_of_a_stage))


def test_all_who_wait_share_one_transaction(client, shared, other, make_flow):
    with watched(shared) as connection:
        responses = while_locked(client, other, *(("POST", FLOWS, make_flow()) for _ in range(20)))
        assert [response.status for response in responses] == [201] * 20
        assert connection.count("COMMIT") == 1


def test_no_more_than_may_share_a_transaction_get_the_lock_at_once(client, shared, other, make_flow, monkeypatch):
    queue = shared[0].database.read().group.queue
    monkeypatch.setattr(grouping, "_MOST", 2)
    monkeypatch.setattr(queue, "_most", 2)
    with watched(shared) as connection:
        responses = while_locked(client, other, *(("POST", FLOWS, make_flow()) for _ in range(5)))
        assert [response.status for response in responses] == [201] * 5
        assert connection.count("COMMIT") == 3


def test_a_lock_that_lasts_is_503_with_the_time_to_try_again(client, other, make_flow, monkeypatch):
    monkeypatch.setattr(locking, "PATIENCE", 0.05)
    other.execute("BEGIN IMMEDIATE")
    for request in (("POST", FLOWS, make_flow()), ("POST", STAGES, {"name": "new"}), ("DELETE", f"{FLOWS}nope/")):
        response = client(*request)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert response.json() == {"detail": "The database is not available."}
    other.execute("COMMIT")
    assert client.post(FLOWS, make_flow()).status == 201
    assert client.get(FLOWS).json()["pagination"]["count"] == 1


def test_a_request_that_waited_gets_the_identifiers_that_it_would_have_had_at_once(client, other, make_flow):
    async def run(*, locked):
        determinism.begin(0)
        if locked:
            other.execute("BEGIN IMMEDIATE")
        waiting = sent(client, "POST", FLOWS, make_flow(slug="late"))
        for _ in range(10):
            await asyncio.sleep(0)
        if locked:
            assert not waiting.done()
            other.execute("COMMIT")
        return (await waiting).json()["pk"]

    with determinism.fixed(b"tests"):
        late = client_loop(run(locked=True))
        assert client("DELETE", f"{FLOWS}late/").status == 204
        assert client_loop(run(locked=False)) == late


def test_clients_that_leave_while_they_wait_hold_nobody_up(client, other, make_flow):
    async def run():
        other.execute("BEGIN IMMEDIATE")
        leaving, staying = ([sent(client, "POST", FLOWS, make_flow()) for _ in range(number)] for number in (3, 1))
        assert (await sent(client, "GET", FLOWS)).status == 200
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        other.execute("COMMIT")
        return (await staying[0]).status

    assert client_loop(run()) == 201
    assert client.get(FLOWS).json()["pagination"]["count"] == 1

    async def nobody_stays():
        other.execute("BEGIN IMMEDIATE")
        leaving = sent(client, "POST", FLOWS, make_flow())
        assert (await sent(client, "GET", FLOWS)).status == 200
        leaving.cancel()
        await asyncio.wait([leaving])
        other.execute("COMMIT")

    client_loop(nobody_stays())
    assert client.post(FLOWS, make_flow()).status == 201


class Locked(Connection):
    """A connection that another one has locked for its first statements of a kind."""

    def execute(self, sql, *parameters):
        if self.failing and sql.startswith(self.failing) and self.count(self.failing) < 2:
            self.asked.append(sql)
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
            raise error
        return super(Connection, self).__getattribute__("_pass_on")(sql, *parameters)

    def _pass_on(self, sql, *parameters):
        self.asked.append(sql)
        return self.real.execute(sql, *parameters)


@contextlib.contextmanager
def watched(shared, kind=Connection):
    """The connection that serves, as one that tells what it is asked."""
    session = shared[0].database.read()
    connection = kind(session._connection)
    session._connection = session.group._connection = connection
    yield connection
    session._connection = session.group._connection = connection.real


@pytest.mark.parametrize(
    ("statement", "request_", "status"),
    [
        ("BEGIN", ("POST", FLOWS), 201),
        ("COMMIT", ("POST", FLOWS), 201),
        ("SELECT flows.pk", ("GET", f"{FLOWS}a/"), 200),
        ("SELECT tokens", ("GET", f"{FLOWS}a/"), 200),
        ("SELECT tokens", ("POST", FLOWS), 201),
        ("PRAGMA data_version", ("GET", f"{FLOWS}a/"), 200),
        ("COMMIT", ("DELETE", f"{FLOWS}a/"), 204),
    ],
)
def test_whatever_statement_finds_the_store_locked_the_request_is_carried_out_once(
    client, shared, make_flow, statement, request_, status
):
    client.post(FLOWS, make_flow(slug="a"))
    with watched(shared, Locked) as connection:
        connection.failing = statement
        response = client(*request_, make_flow(slug="b") if status == 201 else None)
        assert response.status == status
        assert connection.count(statement) >= 3
    kept = [flow["slug"] for flow in client.get(FLOWS).json()["results"]]
    assert sorted(kept) == {201: ["a", "b"], 200: ["a"], 204: []}[status]


def test_answers_that_are_remembered_do_not_wait(client, shared, other, make_flow):
    remembering = Client(shared[1], client.token)
    flow = remembering.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    assert remembering.get(path).json() == flow
    (changed,) = while_locked(remembering, other, ("PATCH", path, {"title": "changed"}))
    assert remembering.get(path).json() == changed.json() == flow | {"title": "changed"}


def test_a_thread_without_an_event_loop_waits_in_sqlite(store, other):
    with store.database.read() as session:
        assert session._connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)

    async def on_a_loop():
        store.database.version()
        with store.database.read() as session:
            return session._connection.execute("PRAGMA busy_timeout").fetchone()

    assert client_loop(on_a_loop()) == (0,)
    store.tokens.add("other", superuser=True)
    with store.database.read() as session:
        assert session._connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)


@pytest.fixture
def another_is_next(shared, store):
    """Another process waits for the lock, and this one has had its turn."""
    database = shared[0].database
    database.read().group.queue._turn_ends = 0.0
    assert database.write_queue.enter()
    yield database.write_queue
    if database.write_queue.is_taken():
        database.write_queue.leave()


def test_a_process_that_has_had_its_turn_lets_the_next_one_write(client, make_flow, another_is_next, monkeypatch):
    monkeypatch.setattr(locking, "_COURTESY", 1000)

    async def run():
        waiting = sent(client, "POST", FLOWS, make_flow())
        for _ in range(5):
            assert (await sent(client, "GET", FLOWS)).json()["results"] == []
        assert not waiting.done()
        another_is_next.leave()
        return (await waiting).status

    assert client_loop(run()) == 201


def test_a_process_that_is_next_and_does_nothing_is_not_waited_for(client, make_flow, another_is_next, monkeypatch):
    monkeypatch.setattr(locking, "_COURTESY", 0.01)
    assert client.post(FLOWS, make_flow()).status == 201
    assert another_is_next.is_taken()
