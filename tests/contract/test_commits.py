"""Requests that arrive together share a commit, and no answer leaves before it."""

import asyncio
import contextlib
import sqlite3

import orjson
import pytest

from app.store.engine.sqlite import group_commit as grouping
from tests.asgi import FLOWS, Client, pipelined


class Connection:
    """A connection of the driver that tells what it is asked, and fails at what it is told to."""

    def __init__(self, real):
        self.real = real
        self.asked = []
        self.failing = ""

    def __getattr__(self, name):
        return getattr(self.real, name)

    def execute(self, sql, *parameters):
        self.asked.append(sql)
        if self.failing and sql.startswith(self.failing):
            raise sqlite3.OperationalError("disk I/O error")
        return self.real.execute(sql, *parameters)

    def count(self, word):
        return sum(sql.startswith(word) for sql in self.asked)


@pytest.fixture
def connection(client, shared):
    """The connection that serves, watched."""
    session = shared[0].database.read()
    watched = Connection(session._connection)
    session._connection = session.group._connection = watched
    yield watched
    session._connection = session.group._connection = watched.real


def test_requests_that_arrive_together_share_a_commit(client, connection, make_flow):
    responses = pipelined(client, *(("POST", FLOWS, make_flow()) for _ in range(10)))
    assert [response.status for response in responses] == [201] * 10
    assert (connection.count("BEGIN"), connection.count("COMMIT")) == (1, 1)
    for response in responses:
        assert client.get(f"{FLOWS}{response.json()['slug']}/").json() == response.json()


def test_no_answer_leaves_before_the_commit(shared, client, connection, make_flow):
    open_when_sent = []

    class Watching:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            async def watched(message):
                open_when_sent.append(connection.in_transaction)
                await send(message)

            await self.app(scope, receive, watched)

    watching = Client(Watching(shared[1]), client.token)
    flow = make_flow()
    created, read, listed = pipelined(
        watching, ("POST", FLOWS, flow), ("GET", f"{FLOWS}{flow['slug']}/", None), ("GET", FLOWS, None)
    )
    assert (created.status, read.json(), listed.json()["results"]) == (201, created.json(), [created.json()])
    assert open_when_sent == [False] * 6


def test_a_request_that_fails_is_undone_alone(client, connection, make_flow):
    first, second, twin = make_flow(), make_flow(), make_flow()
    twin["slug"] = first["slug"]
    responses = pipelined(client, ("POST", FLOWS, first), ("POST", FLOWS, twin), ("POST", FLOWS, second))
    assert [response.status for response in responses] == [201, 400, 201]
    assert connection.count("COMMIT") == 1
    assert client.get(FLOWS).json()["pagination"]["count"] == 2


@pytest.mark.parametrize("most", [1, 2])
def test_a_commit_is_shared_by_so_many_at_most(client, connection, make_flow, monkeypatch, most):
    monkeypatch.setattr(grouping, "_MOST", most)
    responses = pipelined(client, *(("POST", FLOWS, make_flow()) for _ in range(4)))
    assert [response.status for response in responses] == [201] * 4
    assert connection.count("COMMIT") == 4 // most


def test_a_commit_that_fails_is_503_for_all_and_nothing_is_kept(client, connection, make_flow):
    connection.failing = "COMMIT"
    responses = pipelined(client, ("POST", FLOWS, make_flow()), ("POST", FLOWS, make_flow()), ("GET", FLOWS, None))
    assert [response.status for response in responses] == [503] * 3
    assert responses[0].headers["retry-after"] == "1"
    connection.failing = ""
    assert client.get(FLOWS).json()["pagination"]["count"] == 0
    assert client.post(FLOWS, make_flow()).status == 201


def test_a_transaction_that_the_database_takes_back_is_503_for_all_in_it(client, connection, make_flow):
    class Full(Connection):
        def execute(self, sql, *parameters):
            if sql.startswith("INSERT INTO flows") and self.count("INSERT INTO flows") == 1:
                # What SQLite does by itself when the disk is full.
                self.real.execute("ROLLBACK")
                self.asked.append(sql)
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *parameters)

    connection.__class__ = Full
    responses = pipelined(client, *(("POST", FLOWS, make_flow()) for _ in range(3)))
    # The third one begins a transaction of its own.
    assert [response.status for response in responses] == [503, 503, 201]
    kept = [flow["slug"] for flow in client.get(FLOWS).json()["results"]]
    assert kept == [responses[2].json()["slug"]]


def test_a_client_that_leaves_does_not_hold_the_others_up(client, connection, make_flow):
    async def run():
        def create():
            headers = {"authorization": f"Bearer {client.token}", "content-type": "application/json"}
            return asyncio.ensure_future(client._send("POST", FLOWS, "", headers, [orjson.dumps(make_flow())]))

        leaving, staying = create(), create()
        asyncio.get_running_loop().call_soon(leaving.cancel)
        return await asyncio.gather(leaving, staying, return_exceptions=True)

    left, stayed = asyncio.run(run())
    assert isinstance(left, asyncio.CancelledError)
    assert stayed.status == 201


def test_a_unit_of_several_statements_is_undone_alone(client, connection, store, make_flow):
    async def run():
        sent = asyncio.ensure_future(
            client._send("POST", FLOWS, "", {"authorization": "Bearer root", "content-type": "application/json"},
                         [orjson.dumps(make_flow())])
        )  # fmt: skip
        await asyncio.sleep(0)
        with contextlib.suppress(RuntimeError), store.database.write() as session:
            session.script("DELETE FROM flows")
            raise RuntimeError
        with store.database.write() as session:
            session.script("UPDATE flows SET title = 'changed'")
        return await sent

    assert asyncio.run(run()).status == 201
    assert (connection.count("BEGIN"), connection.count("COMMIT")) == (1, 1)
    assert [flow["title"] for flow in client.get(FLOWS).json()["results"]] == ["changed"]


def selects(connection):
    return sum(sql.startswith("SELECT flows.pk") for sql in connection.asked)


def test_a_flow_that_was_changed_here_need_not_be_read_again(client, connection, make_flow):
    one, other = (client.post(FLOWS, make_flow()).json() for _ in range(2))
    path = f"{FLOWS}{one['slug']}/"
    for title in ("1", "2", "3"):
        assert client.patch(path, {"title": title}).json() == one | {"title": title}
    pipelined(client, *(("PATCH", path, {"name": name}) for name in "abc"))
    assert selects(connection) == 1
    assert client.get(path).json() == one | {"title": "3", "name": "c"}
    other_path = f"{FLOWS}{other['slug']}/"
    assert client.patch(other_path, {"title": "x"}).json() == other | {"title": "x"}
    assert client.patch(path, {"title": "4"}).json() == one | {"title": "4", "name": "c"}


def changed_by_another(path, **_):
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE flows SET name = 'theirs'")
    return {"name": "theirs"}


def changed_and_undone(client, connection, slug, **_):
    connection.failing = "COMMIT"
    assert client.patch(f"{FLOWS}{slug}/", {"name": "undone"}).status == 503
    connection.failing = ""
    return {}


def changed_by_another_before_one_with_a_filter(client, path, make_flow, **_):
    slug = client.post(FLOWS, make_flow(designation="recovery")).json()["slug"]
    different = changed_by_another(path)
    assert client.patch(f"{FLOWS}{slug}/?designation=recovery", {"name": "filtered"}).status == 200
    return different


def bound(client, flow, **_):
    stage = client.post("/api/v3/stages/dummy/", {"name": "stage"}).json()["pk"]
    body = {"target": flow["pk"], "stage": stage, "order": 0}
    assert client.post("/api/v3/flows/bindings/", body).status == 201
    return {"stages": [stage]}


def deleted_and_made_again(client, flow, slug, **_):
    assert client.delete(f"{FLOWS}{slug}/").status == 204
    made = client.post(FLOWS, {**flow, "name": "again"}).json()
    return {name: made[name] for name in ("pk", "policybindingmodel_ptr_id", "name")}


def renamed_and_back(client, slug, **_):
    assert client.patch(f"{FLOWS}{slug}/", {"slug": "away"}).status == 200
    assert client.patch(f"{FLOWS}{slug}/", {"title": "nobody"}).status == 404
    assert client.patch(f"{FLOWS}away/", {"slug": slug, "name": "back"}).status == 200
    return {"name": "back"}


@pytest.mark.parametrize(
    "meanwhile",
    [
        changed_by_another,
        changed_by_another_before_one_with_a_filter,
        changed_and_undone,
        bound,
        deleted_and_made_again,
        renamed_and_back,
    ],
)
def test_a_change_knows_what_has_happened_since_the_last_one(client, connection, store, make_flow, meanwhile):
    flow = client.post(FLOWS, make_flow(designation="recovery")).json()
    slug = flow["slug"]
    path = f"{FLOWS}{slug}/"
    assert client.patch(path, {"title": "one"}).status == 200
    different = meanwhile(
        client=client,
        connection=connection,
        path=store.database.address.path,
        flow=flow,
        slug=slug,
        make_flow=make_flow,
    )
    wanted = flow | different | {"title": "two"}
    assert client.patch(path, {"title": "two"}).json() == client.get(path).json() == wanted
