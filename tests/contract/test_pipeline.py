"""Requests that are a single statement are carried out together on PostgreSQL: one round trip for all, one commit for those that
write, and each answer as if it had been alone.
"""

import asyncio
import contextlib
import threading

import orjson
import psycopg
import pytest

from app.application import create_app, open_store
from app.contract.serve import plan_runner
from app.contract.serve.threads import PATIENCE, Workers
from app.settings import Settings
from app.store.engine.postgresql import pipelined_connections as pool
from app.store.engine.postgresql.prepared import Statements
from tests.asgi import FLOWS, client_loop, pipelined
from tests.conftest import client_of, database_at
from tests.serving import wait_for

pytestmark = pytest.mark.postgresql

BINDINGS, STAGES = "/api/v3/flows/bindings/", "/api/v3/stages/dummy/"


@pytest.fixture(scope="module")
def made(contract, tmp_path_factory, request):
    """A store on PostgreSQL and an application on it, which remembers tokens: who has to look one up waits for that."""
    for url in database_at("postgresql", tmp_path_factory.mktemp("store"), request):
        settings = Settings(database_url=url, token_cache=60.0)
        store = open_store(settings, contract)
        store.migrate()
        yield store, create_app(settings, contract=contract, store=store), url
        store.close()


@pytest.fixture
def client(made):
    """A client whose token is known, and whose statements are sent together."""
    client = client_of(*made[:2])
    assert client.get(FLOWS).status == 200
    open_connections(client)
    return client


@pytest.fixture
def sent(monkeypatch):
    """How many statements were sent together, each time."""
    found = []
    send = Statements.send

    def noted(self, statements):
        found.append(len(statements))
        send(self, statements)

    monkeypatch.setattr(Statements, "send", noted)
    return found


@pytest.fixture
def other(made):
    """A connection of somebody else."""
    with psycopg.connect(made[2]) as connection:
        yield connection


def open_connections(client):
    """Wait until all connections of the pipeline are open."""
    pipeline = client.store.database.pipeline

    async def opened():
        return pipeline._ready(asyncio.get_running_loop()) and pipeline.is_open

    wait_for(lambda: client_loop(opened()), "the connections")


@pytest.fixture
def alone(client, monkeypatch):
    """What was carried out by threads, one by one: methods and paths."""
    found = []
    run = Workers.run

    def noted(self, function, target, plan, request, **options):
        found.append((request.method, request.path))
        return run(self, function, target, plan, request, **options)

    monkeypatch.setattr(Workers, "run", noted)
    return found


def transactions(other, condition="true"):
    """How many transactions have written the flows."""
    (count,) = other.execute(f"SELECT count(DISTINCT xmin::text) FROM flows WHERE {condition}").fetchone()
    other.commit()
    return count


def test_requests_that_arrive_together_share_a_commit(client, other, alone, make_flow):
    flows = [make_flow() for _ in range(20)]
    responses = pipelined(client, *(("POST", FLOWS, flow) for flow in flows))
    assert [response.status for response in responses] == [201] * 20
    assert [response.json()["slug"] for response in responses] == [flow["slug"] for flow in flows]
    assert (transactions(other), alone) == (1, [])
    paths = [f"{FLOWS}{flow['slug']}/" for flow in flows]
    first = pipelined(client, *(("PATCH", path, {"title": "1"}) for path in paths))
    second = pipelined(client, *(("PATCH", path, {"title": "2"}) for path in paths))
    assert [response.status for response in first + second] == [200] * 40
    assert (transactions(other), alone) == (1, [])
    assert [client.get(path).json() for path in paths] == [response.json() for response in second]
    assert {response.json()["title"] for response in second} == {"2"}


def test_requests_that_arrive_together_are_read_together(client, alone, sent, make_flow):
    flows = [client.post(FLOWS, make_flow()).json() for _ in range(20)]
    sent.clear()
    paths = [f"{FLOWS}{flow['slug']}/" for flow in flows]
    asked = [("GET", path, None) for path in [*paths, paths[0], f"{FLOWS}nobody/"]]
    *found, again, missing = pipelined(client, *asked)
    assert [response.json() for response in [*found, again]] == [*flows, flows[0]]
    assert missing.status == 404
    assert (sent, alone) == ([22], [])


def test_a_request_that_reads_is_carried_out_once(client, made, monkeypatch, make_flow):
    path = f"{FLOWS}{client.post(FLOWS, make_flow()).json()['slug']}/"
    begun, flows = [], made[0].flows
    original = flows.getting
    monkeypatch.setattr(flows, "getting", lambda *arguments: begun.append(1) or original(*arguments))
    assert [
        response.status for response in pipelined(client, ("GET", path, None), ("GET", f"{FLOWS}nobody/", None))
    ] == [
        200,
        404,
    ]
    assert begun == [1, 1]


def test_who_reads_finds_what_was_written_before(client, alone, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    for title in "123":
        assert client.patch(path, {"title": title}).json() == client.get(path).json() == flow | {"title": title}
    assert client.get(path, query="designation=recovery").status == 404
    assert client.get(path, query="search=3").json()["title"] == "3"
    assert client("HEAD", path).body == b""
    assert alone == []
    assert client.delete(path).status == 204
    assert client.get(path).status == 404


def test_a_token_that_is_not_known_is_looked_up(client, other, alone, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    client.store.tokens._cache.clear()
    assert client.get(path).json() == flow
    assert client.get(path).json() == flow
    assert client.patch(path, {"title": "1"}, token="wrong").status == 403
    assert client.get(path, token="wrong").status == 403
    assert client.post(FLOWS, make_flow(), token="wrong").status == 403
    client.store.tokens._cache.clear()
    assert client.patch(path, {"title": "1"}).json() == flow | {"title": "1"}
    assert alone == []


def test_one_that_is_refused_costs_the_others_nothing(client, alone, make_flow):
    first, twin, second = make_flow(), make_flow(), make_flow()
    twin["slug"] = first["slug"]
    responses = pipelined(client, ("POST", FLOWS, first), ("POST", FLOWS, twin), ("POST", FLOWS, second))
    assert sorted(response.status for response in responses) == [201, 201, 400]
    # The twins, either of which may be the first.
    assert len(alone) in {1, 2}
    (rejected,) = (response.json() for response in responses if response.status == 400)
    assert rejected == {"slug": ["Flow with this slug already exists."]}
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
        responses = pipelined(client, *(("PATCH", path, body) for body in bodies))
        assert [response.status for response in responses] == [200] * 4
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
        read = await client._send("GET", paths[0], "", headers, [b""])
        first = await done
        held_up = not waiting.done()
        other.commit()
        return read, held_up, first, await waiting

    read, held_up, first, last = client_loop(answered())
    assert held_up
    assert read.json() == locked | {"title": "known"}
    assert first.json() == free | {"title": "new"}
    assert last.json() == locked | {"title": "new", "name": "theirs"}


def test_a_text_that_is_long_goes_alone(client, alone, make_flow):
    response = client.post(FLOWS, make_flow(title="x" * 100_000))
    assert (response.status, len(response.json()["title"]), len(alone)) == (201, 100_000, 1)
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
    assert client.get(f"{FLOWS}{flow['slug']}/").json() == flow
    statuses = {client.post(FLOWS, make_flow()).status for _ in range(5)}
    assert statuses == {201}
    open_connections(client)
    assert client.get(f"{FLOWS}{flow['slug']}/").json() == flow


@contextlib.contextmanager
def meanwhile_locked(other, url, query, then):
    """Lock the flows for everybody, and do something about who waits for them, before they are free again.

    :param query: the beginning of the statement that waits
    :param then: is called with a connection and the process that waits
    """
    other.execute("LOCK TABLE flows IN ACCESS EXCLUSIVE MODE")
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as third:

        def watch():
            asked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
            (pid,) = wait_for(lambda: third.execute(asked, (f"{query}%",)).fetchone(), "a statement that waits")
            then(third, pid)
            other.rollback()

        thread = threading.Thread(target=watch)
        thread.start()
        yield
        thread.join()


def cut(connection, pid):
    connection.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_what_was_under_way_when_a_connection_was_cut_is_told(client, other, made, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    assert client.patch(path, {"title": "known"}).status == 200
    with meanwhile_locked(other, made[2], "UPDATE", cut):
        response = client.patch(path, {"title": "new"})
    assert response.status in {200, 503}
    assert client.get(path).json()["title"] == ("new" if response.status == 200 else "known")


def test_what_was_read_when_a_connection_was_cut_is_read_again(client, other, alone, made, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    with meanwhile_locked(other, made[2], "SELECT", cut):
        assert client.get(path).json() == flow
    assert alone == [("GET", path)]


def test_who_has_to_wait_long_waits_alone(client, other, alone, made, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"

    def wait(*_):
        wait_for(lambda: alone, "a thread that waits")

    with meanwhile_locked(other, made[2], "SELECT", wait):
        assert client.get(path).json() == flow
    assert alone == [("GET", path)]


REFUSE = """
CREATE SEQUENCE attempts;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') <= {times} THEN
        RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON flows DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse()
"""
ALLOW = "DROP TRIGGER refuse ON flows; DROP FUNCTION refuse; DROP SEQUENCE attempts"


@pytest.fixture
def refused_commits(other):
    """Lets so many commits of changes of flows fail."""

    def reject(times):
        other.execute(REFUSE.format(times=times))
        other.commit()

    yield reject
    other.execute(ALLOW)
    other.commit()


def test_requests_whose_commit_fails_are_repeated(client, refused_commits, make_flow):
    known = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{known['slug']}/"
    refused_commits(5)
    responses = pipelined(
        client, ("POST", FLOWS, make_flow()), ("PATCH", path, {"title": "new"}), ("POST", FLOWS, make_flow())
    )
    assert [response.status for response in responses] == [201, 200, 201]
    assert client.get(path).json()["title"] == "new"


def test_a_request_whose_commit_fails_for_ever_is_told(client, refused_commits, monkeypatch, make_flow):
    monkeypatch.setattr(plan_runner, "_ATTEMPTS", 3)
    known = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{known['slug']}/"
    refused_commits(1000)
    asked = [("PATCH", path, {"title": "new"}), ("POST", FLOWS, make_flow()), ("GET", path, None)]
    assert [response.status for response in pipelined(client, *asked)] == [503, 503, 200]
    assert client.get(path).json() == known
    assert client.get("/-/health/ready/").status == 200


@pytest.mark.parametrize("error", [ValueError("violated"), psycopg.InterfaceError("violated"), KeyError("violated")])
def test_a_connection_whose_answer_can_not_be_read_is_given_up(client, alone, monkeypatch, make_flow, error):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    # It need not be read to be changed then.
    assert client.patch(path, {"title": "known"}).status == 200
    received, left = Statements.received, [2]

    def violated(self):
        if left[0]:
            left[0] -= 1
            raise error
        return received(self)

    monkeypatch.setattr(Statements, "received", violated)
    # Nobody knows what became of the change; who reads reads again.
    written, read = pipelined(client, ("PATCH", path, {"title": "new"}), ("GET", path, None))
    assert (written.status, read.status) == (503, 200)
    assert alone == [("GET", path)]
    for title in "123":
        assert client.patch(path, {"title": title}).status == 200
        assert client.get(path).json()["title"] == title
    open_connections(client)


def test_a_connection_that_does_not_answer_is_given_up(client, alone, monkeypatch, make_flow):
    flow = client.post(FLOWS, make_flow()).json()
    path = f"{FLOWS}{flow['slug']}/"
    assert client.patch(path, {"title": "known"}).status == 200
    monkeypatch.setattr(pool, "POSTGRESQL_RESPONSE_TIMEOUT", 0.1)
    monkeypatch.setattr(Statements, "received", lambda _self: None)
    assert client.patch(path, {"title": "new"}).status == 503
    assert client.get(path).status == 200
    assert alone == [("GET", path)]


def test_what_is_locked_costs_those_that_are_sent_with_it_no_thread(client, other, alone, make_flow):
    flows = [client.post(FLOWS, make_flow()).json() for _ in range(4)]
    paths = [f"{FLOWS}{flow['slug']}/" for flow in flows]
    for path in paths:
        assert client.patch(path, {"title": "known"}).status == 200
    other.execute("SELECT 1 FROM flows WHERE slug = %s FOR UPDATE", (flows[0]["slug"],))
    locked, *free = pipelined(client, *(("PATCH", path, {"title": "new"}) for path in paths))
    assert (locked.status, [response.status for response in free]) == (503, [200] * 3)
    assert alone == [("PATCH", paths[0])]
    other.rollback()
    assert client.patch(paths[0], {"title": "new"}).status == 200


def locked_flow(flow, _stage):
    return "flows", "slug", flow["slug"]


def locked_stage(_flow, stage):
    return "objects", "pk", stage


WANT_FLOW = {
    "patch": lambda flow, _stage: ("PATCH", f"{FLOWS}{flow['slug']}/", {"title": "new"}),
    "put": lambda flow, _stage: ("PUT", f"{FLOWS}{flow['slug']}/", {**flow, "title": "new"}),
    "delete": lambda flow, _stage: ("DELETE", f"{FLOWS}{flow['slug']}/", None),
    "bind": lambda flow, stage: ("POST", BINDINGS, {"target": flow["pk"], "stage": stage, "order": 1}),
}
WANT_STAGE = {
    "patch": lambda _flow, stage: ("PATCH", f"{STAGES}{stage}/", {"throw_error": True}),
    "delete": lambda _flow, stage: ("DELETE", f"{STAGES}{stage}/", None),
    "bind": lambda flow, stage: ("POST", BINDINGS, {"target": flow["pk"], "stage": stage, "order": 1}),
}
LOCKED = [(locked_flow, want) for want in WANT_FLOW.values()] + [(locked_stage, want) for want in WANT_STAGE.values()]


@pytest.mark.parametrize(("lock", "want"), LOCKED)
def test_who_wants_a_row_that_is_locked_is_told_soon_and_nobody_else_waits(client, other, make_flow, lock, want):
    flow, free = client.post(FLOWS, make_flow()).json(), client.post(FLOWS, make_flow()).json()
    stage = client.post(STAGES, {"name": "locked"}).json()["pk"]
    table, column, value = lock(flow, stage)
    other.execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR UPDATE", (value,))
    # Each request has to look its token up.
    client.store.tokens._cache.clear()
    free_path = f"{FLOWS}{free['slug']}/"
    others = [
        ("GET", free_path, None),
        ("GET", f"{FLOWS}{flow['slug']}/", None),
        ("GET", FLOWS, None),
        ("GET", BINDINGS, None),
        ("GET", f"{STAGES}{stage}/", None),
        ("GET", "/-/health/ready/", None),
        ("GET", "/-/metrics/", None),
        ("PATCH", free_path, {"title": "new"}),
        ("POST", FLOWS, make_flow()),
        ("POST", STAGES, {"name": "free"}),
    ]

    async def asked(method, path, body):
        headers = {"authorization": f"Bearer {client.token}", "content-type": "application/json"}
        query = f"target={flow['pk']}" if path == BINDINGS and method == "GET" else ""
        return await client._send(method, path, query, headers, [orjson.dumps(body) if body is not None else b""])

    async def exchange():
        loop = asyncio.get_running_loop()
        started = loop.time()
        waiting = [asyncio.ensure_future(asked(*want(flow, stage))) for _ in range(12)]
        found = await asyncio.gather(*(asked(*one) for one in others))
        none_told = not any(one.done() for one in waiting)
        told = await asyncio.gather(*waiting)
        return found, none_told, told, loop.time() - started

    found, none_told, told, seconds = client_loop(exchange())
    assert none_told
    assert [response.status for response in found] == [200] * 8 + [201] * 2
    assert {response.status for response in told} == {503}
    assert {response.headers["retry-after"] for response in told} == {"1"}
    assert PATIENCE <= seconds < PATIENCE + 1.5
    other.rollback()
    assert client_loop(asked(*want(flow, stage))).status in {200, 201, 204}


@pytest.mark.parametrize("property_name", ["target", "stage"])
def test_who_filters_by_what_is_locked_does_not_wait(client, other, make_flow, property_name):
    flow = client.post(FLOWS, make_flow()).json()
    stage = client.post(STAGES, {"name": "locked"}).json()["pk"]
    bound = client.post(BINDINGS, {"target": flow["pk"], "stage": stage, "order": 1}).json()
    other.execute("SELECT 1 FROM flows, objects FOR UPDATE")
    found = client.get(BINDINGS, query=f"{property_name}={bound[property_name]}").json()["results"]
    assert [one["pk"] for one in found] == [bound["pk"]]
    other.rollback()
