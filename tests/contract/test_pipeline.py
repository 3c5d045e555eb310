"""Requests that write once are carried out together on PostgreSQL: one commit for all, and each answer as if it had been alone."""

import asyncio
import contextlib
import threading

import psycopg
import pytest

from app.application import create_app, open_store
from app.settings import Settings
from tests.asgi import FLOWS, client_loop, together
from tests.conftest import client_of, database_at
from tests.serving import wait_for

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def made(contract, tmp_path_factory, request):
    """A store on PostgreSQL and an application on it, which remembers tokens: who has to look one up waits for that."""
    for url in database_at("postgresql", tmp_path_factory.mktemp("store"), request):
        settings = Settings(database_url=url, token_memory=60.0)
        store = open_store(settings, contract)
        store.migrate()
        yield store, create_app(settings, contract=contract, store=store), url
        store.close()


@pytest.fixture
def client(made):
    """A client whose token is known, and whose writes are sent together."""
    client = client_of(*made[:2])
    assert client.get(FLOWS).status == 200
    open_connections(client)
    return client


@pytest.fixture
def other(made):
    """A connection of somebody else."""
    with psycopg.connect(made[2]) as connection:
        yield connection


def open_connections(client):
    """Wait until all connections of the pipeline are open."""
    pipeline = client.store.database._pipeline

    async def opened():
        return pipeline.begin() is not None and len(pipeline._lanes) == pipeline.lanes

    wait_for(lambda: client_loop(opened()), "the connections")


@pytest.fixture
def alone(client, monkeypatch):
    """What was carried out by threads, one by one: paths."""
    found = []
    workers = client.store.database
    original = type(workers).write_once

    def write_once(self):
        if self.may_wait:
            found.append(threading.current_thread().name)
        return original(self)

    monkeypatch.setattr(type(workers), "write_once", write_once)
    return found


def transactions(other, condition="true"):
    """How many transactions have written the flows."""
    (count,) = other.execute(f"SELECT count(DISTINCT xmin::text) FROM flows WHERE {condition}").fetchone()
    other.commit()
    return count


def test_requests_that_arrive_together_share_a_commit(client, other, alone, make_flow):
    flows = [make_flow() for _ in range(20)]
    answers = together(client, *(("POST", FLOWS, flow) for flow in flows))
    assert [answer.status for answer in answers] == [201] * 20
    assert [answer.json()["slug"] for answer in answers] == [flow["slug"] for flow in flows]
    assert (transactions(other), alone) == (1, [])
    paths = [f"{FLOWS}{flow['slug']}/" for flow in flows]
    # What is not known of a flow has to be read first.
    first = together(client, *(("PATCH", path, {"title": "1"}) for path in paths))
    assert len(alone) == 20
    second = together(client, *(("PATCH", path, {"title": "2"}) for path in paths))
    assert [answer.status for answer in first + second] == [200] * 40
    assert (transactions(other), len(alone)) == (1, 20)
    assert [client.get(path).json() for path in paths] == [answer.json() for answer in second]
    assert {answer.json()["title"] for answer in second} == {"2"}


def test_one_that_is_refused_costs_the_others_nothing(client, alone, make_flow):
    first, twin, second = make_flow(), make_flow(), make_flow()
    twin["slug"] = first["slug"]
    answers = together(client, ("POST", FLOWS, first), ("POST", FLOWS, twin), ("POST", FLOWS, second))
    assert sorted(answer.status for answer in answers) == [201, 201, 400]
    assert len(alone) == 3
    (refused,) = (answer.json() for answer in answers if answer.status == 400)
    assert refused == {"slug": ["Flow with this slug already exists."]}
    stored = [flow["slug"] for flow in client.get(FLOWS).json()["results"]]
    assert sorted(stored) == sorted([first["slug"], second["slug"]])


def test_a_refused_change_changes_nothing(client, make_flow):
    one, taken = client.post(FLOWS, make_flow()).json(), client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{one['slug']}/"
    for body in ({"title": "1"}, {"title": "2"}):
        assert client.patch(path, body).status == 200
    assert client.patch(path, {"slug": taken["slug"]}).json() == {"slug": ["Flow with this slug already exists."]}
    assert client.patch(path, {"slug": taken["slug"], "layout": "none"}).status == 400
    assert client.get(path).json() == one | {"title": "2"}
    assert client.patch(path, {"title": "3"}).json() == one | {"title": "3"}


def theirs(client, other, flow):
    other.execute("UPDATE flows SET name = 'theirs'")
    other.commit()
    return {"name": "theirs"}


def bound(client, other, flow):
    stage = client.post("/api/v3/stages/dummy/", {"name": "stage"}).json()["pk"]
    assert client.post("/api/v3/flows/bindings/", {"target": flow["pk"], "stage": stage, "order": 0}).status == 201
    return {"stages": [stage]}


def made_again(client, other, flow):
    assert client.delete(f"{FLOWS}{flow['slug']}/").status == 204
    made = client.post(
        FLOWS, {name: flow[name] for name in ("slug", "title", "designation")} | {"name": "again"}
    ).json()
    return {name: made[name] for name in ("pk", "policybindingmodel_ptr_id", "name")}


def renamed_and_back(client, other, flow):
    path = f"{FLOWS}{flow['slug']}/"
    assert client.patch(path, {"slug": "away"}).status == 200
    assert client.patch(path, {"title": "nobody"}).status == 404
    assert client.patch(f"{FLOWS}away/", {"slug": flow["slug"], "name": "back"}).status == 200
    return {"name": "back"}


@pytest.mark.parametrize("meanwhile", [theirs, bound, made_again, renamed_and_back])
def test_a_change_knows_what_has_happened_since_the_last_one(client, other, make_flow, meanwhile):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    for title in "12":
        assert client.patch(path, {"title": title}).json() == flow | {"title": title}
    different = meanwhile(client, other, flow)
    wanted = flow | different | {"title": "3"}
    assert client.patch(path, {"title": "3"}).json() == client.get(path).json() == wanted
    assert client.patch(path, {"layout": "sidebar_left"}).json() == wanted | {"layout": "sidebar_left"}
    assert [one["title"] for one in client.get(FLOWS, query="search=3").json()["results"]] == ["3"]


def test_who_changes_one_flow_at_once_finds_all_changes(client, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    assert client.patch(path, {"title": "known"}).status == 200
    bodies = ({"title": "x"}, {"name": "y"}, {"layout": "sidebar_left"}, {"denied_action": "continue"})
    for _ in range(5):
        answers = together(client, *(("PATCH", path, body) for body in bodies))
        assert [answer.status for answer in answers] == [200] * 4
    wanted = {name: value for body in bodies for name, value in body.items()}
    assert client.get(path).json() == flow | wanted


def test_a_row_that_is_locked_holds_up_nobody_else(client, other, make_flow):
    locked, free = client.post(FLOWS, make_flow()).json(), client.post(FLOWS, make_flow()).json()
    paths = [f"{FLOWS}{flow['slug']}/" for flow in (locked, free)]
    for path in paths:
        assert client.patch(path, {"title": "known"}).status == 200
    other.execute("UPDATE flows SET name = 'theirs' WHERE slug = %s", (locked["slug"],))

    async def answered():
        headers = {"authorization": f"Bearer {client.token}", "content-type": "application/json"}
        body = [b'{"title": "new"}']
        waiting, done = (asyncio.ensure_future(client._send("PATCH", path, "", headers, body)) for path in paths)
        first = await done
        held_up = not waiting.done()
        other.commit()
        return held_up, first, await waiting

    held_up, first, last = client_loop(answered())
    assert held_up
    assert first.json() == free | {"title": "new"}
    assert last.json() == locked | {"title": "new", "name": "theirs"}


def test_a_text_that_is_long_goes_alone(client, alone, make_flow):
    answer = client.post(FLOWS, make_flow(title="x" * 100_000))
    assert (answer.status, len(answer.json()["title"]), len(alone)) == (201, 100_000, 1)
    assert client.post(FLOWS, make_flow(title="x" * 1000)).status == 201
    assert len(alone) == 1


def test_connections_that_were_cut_are_replaced(client, other, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    other.execute(f"SELECT pg_terminate_backend(pid) {others}")
    other.commit()

    def gone():
        (count,) = other.execute(f"SELECT count(*) {others}").fetchone()
        other.commit()
        return count == 0

    wait_for(gone, "the end of all connections")
    statuses = {client.post(FLOWS, make_flow()).status for _ in range(5)}
    assert statuses == {201}
    open_connections(client)
    assert client.get(f"{FLOWS}{flow['slug']}/").json() == flow


def test_what_was_under_way_when_a_connection_was_cut_is_told(client, other, made, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    assert client.patch(path, {"title": "known"}).status == 200
    other.execute("LOCK TABLE flows IN ACCESS EXCLUSIVE MODE")
    with contextlib.closing(psycopg.connect(made[2], autocommit=True)) as third:

        def cut():
            query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%'"
            (pid,) = wait_for(lambda: third.execute(query).fetchone(), "a change that waits")
            third.execute("SELECT pg_terminate_backend(%s)", (pid,))
            other.rollback()

        thread = threading.Thread(target=cut)
        thread.start()
        answer = client.patch(path, {"title": "new"})
        thread.join()
    assert answer.status in {200, 503}
    assert client.get(path).json()["title"] == ("new" if answer.status == 200 else "known")
