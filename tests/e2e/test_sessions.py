"""A hundred clients that log in at once, on several workers and servers, and what a kill leaves of their sessions."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from app import passwords
from app.application import create_app, open_store
from app.settings import Settings
from tests.asgi import Client
from tests.executor import PASSWORD, Browser, login_flow
from tests.serving import kill, wait_for

CLIENTS = 100
USER = "authentik_core.user"


class Wire:
    """A client of several servers, which get its requests in turn.

    :param servers: the servers
    :param first: the number of the one that gets the first request
    """

    store = None

    def __init__(self, servers, first):
        self._turns = itertools.cycle(servers[first % len(servers) :] + servers[: first % len(servers)])

    def __call__(self, method, path, content=None, *, headers=None, **_):
        sent = None if content is None else json.dumps(content).encode()
        named = [*(headers or {}).items(), *([("content-type", "application/json")] if sent else [])]
        return next(self._turns).send(method, path, named, sent)


def prepare(url, contract):
    """Make a database with a flow for logging in and a hundred users."""
    settings = Settings(database_url=url)
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    client = Client(create_app(settings, contract=contract, store=store), "root")
    client.post = lambda path, body: client("POST", path, body)
    login_flow(client)
    hashed = passwords.hashed(PASSWORD)
    for number in range(CLIENTS):
        name = f"user-{number}"
        user = store.objects.add(USER, {**store.models[USER].defaults, "username": name, "name": name})
        store.passwords.set(user.pk, hashed)
    store.close()


@pytest.fixture
def servers(engine, tmp_path, environment, contract, monkeypatch, start, request):
    """Two workers on SQLite, or two servers on PostgreSQL: clients, and what kills one."""
    monkeypatch.setattr(passwords, "COST", 2)
    variables = {"FLOWS_LOG_LEVEL": "error"}
    if engine == "sqlite":
        url = environment["FLOWS_DATABASE_URL"]
        (tmp_path / "deep").mkdir()
    else:
        server = request.getfixturevalue("postgresql_url")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE crowd")
        url = variables["FLOWS_DATABASE_URL"] = server.replace("/postgres?", "/crowd?")
    prepare(url, contract)
    if engine == "sqlite":
        wire, _, process = start(**variables, FLOWS_WORKERS="2")
        yield [wire], lambda: _kill_worker(process)
    else:
        (one, _, doomed), (other, _, _) = (start(**variables) for _ in range(2))
        wires = [one, other]
        yield wires, lambda: (wires.remove(one), kill(doomed))


def _kill_worker(process):
    workers = psutil.Process(process.pid).children()
    workers[0].kill()
    wait_for(lambda: workers[0].pid not in {one.pid for one in psutil.Process(process.pid).children()}, "the end")


@pytest.mark.alone(reason="a hundred clients load the whole machine")
def test_a_hundred_clients_log_in_at_once_and_a_kill_loses_no_session(servers):
    wires, kill_one = servers
    together = threading.Barrier(CLIENTS)

    def log_in(number):
        browser = Browser(Wire(wires, number))
        together.wait()
        first = browser.post("login", uid_field=f"user-{number}")
        second = browser.post("login", password=PASSWORD)
        third = browser.get("login")
        found = browser.me()
        return browser, [one.status for one in (first, second, third, found)], found.json()["user"]["username"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = list(pool.map(log_in, range(CLIENTS)))
    assert {tuple(statuses) for _, statuses, _ in clients} == {(302, 302, 200, 200)}
    assert [name for _, _, name in clients] == [f"user-{number}" for number in range(CLIENTS)]
    assert len({browser.key for browser, _, _ in clients}) == CLIENTS
    kill_one()
    for number, (browser, _, name) in enumerate(clients):
        browser.client = Wire(wires, number)
        assert browser.me().json()["user"]["username"] == name
