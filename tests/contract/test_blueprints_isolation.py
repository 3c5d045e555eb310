"""Imports are as if nobody else changed anything meanwhile: on each engine, and at certain moments on PostgreSQL."""

import asyncio
import contextlib
import json
import sqlite3
import threading

import psycopg
import pytest

from app.application import open_store
from app.blueprints.importing import apply
from app.settings import Settings
from tests.asgi import FLOWS, client_loop
from tests.conftest import application, client_of, database_at
from tests.forms import form
from tests.serving import wait_for

FLOW = "authentik_flows.flow"
DUMMY = "authentik_stages_dummy.dummystage"
BINDING = "authentik_flows.flowstagebinding"


@pytest.fixture(scope="module")
def made(engine, contract, tmp_path_factory, request):
    """A store on each engine, an application on it, and its URL."""
    for url in database_at(engine, tmp_path_factory.mktemp("isolation"), request):
        with application(url, contract) as (store, app):
            yield store, app, url


@pytest.fixture
def client(made):
    return client_of(*made[:2])


@pytest.fixture
def other(made, engine):
    """A connection of somebody else, who decides when to begin and to commit."""
    if engine == "sqlite":
        with contextlib.closing(
            sqlite3.connect(made[2].removeprefix("sqlite:///"), isolation_level=None)
        ) as connection:
            yield connection
    else:
        with psycopg.connect(made[2].replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
            yield connection


@pytest.fixture
def elsewhere(made, contract):
    """The store as another server has it, which nobody else asks for connections."""
    store = open_store(Settings(database_url=made[2]), contract)
    yield store
    store.close()


@pytest.fixture
def watching(made):
    """A connection that looks at what the others wait for."""
    with psycopg.connect(made[2], autocommit=True) as connection:
        yield connection


def flow(slug, title, **more):
    attrs = {"name": title, "title": title, "designation": "recovery"}
    return {"model": FLOW, "identifiers": {"slug": slug}, "attrs": attrs} | more


def text_of(*entries):
    return json.dumps({"entries": entries}).encode()


def titles(client):
    return {found["slug"]: (found["name"], found["title"]) for found in client.get(FLOWS).json()["results"]}


def called(function, *arguments):
    """A call on a thread. :returns: the thread, and the list that its result comes into"""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    return thread, results


def waits_for_a_lock(watching):
    (count,) = watching.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return count


def insert(other, slug):
    """Begin to store a copy of flow `x`."""
    other.execute("BEGIN")
    other.execute("CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT * FROM flows WHERE slug = 'x'")
    other.execute("UPDATE made SET pk = gen_random_uuid(), policybindingmodel_ptr_id = gen_random_uuid()")
    other.execute("UPDATE made SET slug = %s", [slug])
    other.execute("INSERT INTO flows SELECT * FROM made")


BOTH = text_of(flow("a", "mine"), flow("b", "mine"))
ON_POSTGRESQL = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
CHANGES = {
    "renamed": "UPDATE flows SET slug = 'renamed' WHERE slug = 'b'",
    "changed where it was right": "UPDATE flows SET name = 'theirs' WHERE slug = 'b'",
    "changed as it should be": "UPDATE flows SET title = 'mine' WHERE slug = 'b'",
    "deleted": "DELETE FROM flows WHERE slug = 'b'",
}


@ON_POSTGRESQL
@pytest.mark.parametrize("change", CHANGES)
def test_what_others_do_to_an_object_meanwhile_was_before_the_import(client, other, watching, change):
    assert apply(client.store, text_of(flow("a", "mine"), flow("b", "mine"))).success
    client.patch(f"{FLOWS}b/", {"title": "old"})
    other.execute("BEGIN")
    other.execute(CHANGES[change])
    thread, results = called(apply, client.store, BOTH)
    wait_for(lambda: waits_for_a_lock(watching), "the import's turn")
    other.execute("COMMIT")
    thread.join()
    assert results[0].success, results[0].findings
    found = titles(client)
    assert (found["a"], found["b"]) == (("mine", "mine"), ("mine", "mine"))
    assert found.keys() == {"a", "b"} | ({"renamed"} if change == "renamed" else set())


@ON_POSTGRESQL
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_an_object_that_others_create_meanwhile_is_changed(client, other, watching, end):
    client.post(FLOWS, {"name": "x", "slug": "x", "title": "x", "designation": "recovery"})
    insert(other, "b")
    thread, results = called(apply, client.store, BOTH)
    wait_for(lambda: waits_for_a_lock(watching), "the import's turn")
    other.execute(end)
    thread.join()
    assert results[0].success, results[0].findings
    assert titles(client) == {"a": ("mine", "mine"), "b": ("mine", "mine"), "x": ("x", "x")}


@ON_POSTGRESQL
def test_an_object_that_is_left_as_it_is_stays_so_until_the_import_ends(client, other, watching):
    assert apply(client.store, text_of(flow("a", "mine"), flow("b", "old"))).success
    other.execute("BEGIN")
    other.execute("SELECT FROM flows WHERE slug = 'b' FOR UPDATE")
    thread, results = called(apply, client.store, BOTH)
    wait_for(lambda: waits_for_a_lock(watching) == 1, "the import's turn")
    later, _ = called(client.store.flows.change, "a", {"title": "theirs"})
    wait_for(lambda: waits_for_a_lock(watching) == 2, "the change's turn")
    other.execute("COMMIT")
    thread.join()
    later.join()
    assert results[0].success
    assert titles(client) == {"a": ("mine", "theirs"), "b": ("mine", "mine")}


def test_a_value_that_was_taken_before_is_refused(client):
    assert apply(client.store, text_of(flow("a", "old"))).success
    entry = {"model": FLOW, "identifiers": {"pk": "00000000-0000-4000-8000-000000000000"}}
    outcome = apply(client.store, text_of(entry | {"attrs": flow("a", "mine")["attrs"] | {"slug": "a"}}))
    assert [one.message for one in outcome.findings] == ["Flow with this slug already exists."]
    assert titles(client) == {"a": ("old", "old")}


NEW = f"""entries:
- {{model: {FLOW}, id: flow, identifiers: {{slug: new}}, attrs: {{name: a, title: a, designation: recovery}}}}
- {{model: {DUMMY}, id: stage, identifiers: {{name: new}}}}
- {{model: {BINDING}, identifiers: {{target: !KeyOf flow, stage: !KeyOf stage, order: 0}}}}
""".encode()


@pytest.mark.parametrize("number", [4, 6])
def test_imports_of_one_new_blueprint_at_once_all_succeed(client, elsewhere, other, engine, number, request):
    client.post(FLOWS, {"name": "x", "slug": "x", "title": "x", "designation": "recovery"})
    for round_ in range(3):
        # Somebody else has them all wait, and steps aside.
        if engine == "sqlite":
            other.execute("BEGIN IMMEDIATE")
        else:
            insert(other, "new")
        calls = [called(apply, elsewhere, NEW) for _ in range(number)]
        if engine != "sqlite":
            watching = request.getfixturevalue("watching")
            wait_for(lambda watching=watching: waits_for_a_lock(watching) == number, "the turn of the imports")
        other.execute("ROLLBACK")
        for thread, _ in calls:
            thread.join()
        outcomes = [outcome for _, results in calls for outcome in results]
        assert [outcome.findings for outcome in outcomes] == [()] * number, round_
        done = [[log["attributes"]["action"] for log in outcome.logs] for outcome in outcomes]
        assert sorted(done) == [["created"] * 3, *[["unchanged"] * 3] * (number - 1)]
        assert client.delete(f"{FLOWS}new/").status == 204
        (stage,) = client.get("/api/v3/stages/dummy/").json()["results"]
        assert client.delete(f"/api/v3/stages/dummy/{stage['pk']}/").status == 204


def test_imports_that_leave_alone_what_others_change_are_one_after_the_other(client):
    """Each finds one of two flows as it should be, and changes the other one: together they would leave what none asked for."""
    for _ in range(10):
        assert apply(client.store, text_of(flow("a", "1"), flow("b", "2"))).success
        begin = threading.Barrier(2)

        def imported(title, begin=begin):
            begin.wait()
            return apply(client.store, text_of(flow("a", title), flow("b", title)))

        calls = [called(imported, title) for title in ("1", "2")]
        for thread, _ in calls:
            thread.join()
        assert all(outcome.success for _, results in calls for outcome in results)
        found = titles(client)
        assert found["a"] == found["b"]


def importing(client, text):
    """A request that imports a blueprint, to be awaited."""
    body, headers = form(file=("blueprint.yaml", "application/yaml", text))
    headers |= {"authorization": f"Bearer {client.token}", "content-length": str(len(body))}
    return client._send("POST", f"{FLOWS}import/", "", headers, [body])


def hold(other, engine):
    """Keep others from changing flow `b`."""
    other.execute("BEGIN IMMEDIATE" if engine == "sqlite" else "BEGIN")
    if engine != "sqlite":
        other.execute("SELECT FROM flows WHERE slug = 'b' FOR UPDATE")


HEADERS = {"authorization": "Bearer root"}


def test_others_are_answered_while_an_import_waits(client, other, engine):
    assert apply(client.store, text_of(flow("a", "old"), flow("b", "old"))).success
    hold(other, engine)

    async def both():
        task = asyncio.create_task(importing(client, BOTH))
        # It begins.
        await asyncio.sleep(0)
        read = [await client._send("GET", f"{FLOWS}{slug}/", "", HEADERS, [b""]) for slug in "ab"]
        assert not task.done()
        other.execute("COMMIT")
        return read, await task

    read, response = client_loop(both())
    assert [found.json()["title"] for found in read] == ["old", "old"]
    assert response.json()["success"]
    assert titles(client) == {"a": ("mine", "mine"), "b": ("mine", "mine")}


def test_an_export_does_not_wait_for_those_who_write(client, other, engine):
    assert apply(client.store, text_of(flow("a", "old"), flow("b", "old"))).success
    hold(other, engine)
    response = client.get(f"{FLOWS}b/export/")
    assert response.status == 200
    assert b"title: old" in response.body
    other.execute("COMMIT")


def test_imports_that_would_wait_too_long_are_told_to_come_back(client, other, engine, monkeypatch):
    assert apply(client.store, text_of(flow("a", "old"), flow("b", "old"))).success
    hold(other, engine)

    async def all_of_them():
        first = asyncio.create_task(importing(client, BOTH))
        # It begins.
        await asyncio.sleep(0)
        monkeypatch.setattr("app.contract.serve.long_running.PATIENCE", 0.01)
        others = await asyncio.gather(*(importing(client, text_of(flow("c", "theirs"))) for _ in range(3)))
        other.execute("COMMIT")
        return await first, others

    first, others = client_loop(all_of_them())
    assert first.json()["success"]
    assert {response.status for response in others} == {503}
    assert {response.headers["retry-after"] for response in others} == {"1"}
    assert {response.json()["detail"] for response in others} == {"Other requests of this kind are being carried out."}
    assert titles(client).keys() == {"a", "b"}
