"""Servers in this process on one database, and clients that are in one another's way."""

import contextlib
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from app.application import create_app, open_store
from app.conformance.raw_http import RawClient
from app.settings import Settings
from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import served

STAGES = "/api/v3/stages/dummy/"
CLIENTS, STEPS = 12, 25


def flow(slug):
    return {"name": slug, "slug": slug, "title": "T", "designation": "recovery"}


@contextlib.contextmanager
def servers(url, contract, count, **settings):
    """So many servers in this process on a database with four flows. Gives what sends a request to one of them."""
    with contextlib.ExitStack() as stack:
        wires = []
        for number in range(count):
            known = Settings(database_url=url, **settings)
            store = open_store(known, contract)
            store.migrate()
            if not number:
                store.tokens.add("root", superuser=True, secret="root")
            wires.append(RawClient(stack.enter_context(served(create_app(known, contract=contract, store=store)))))

        def send(number, method, path, properties=None):
            body = None if properties is None else json.dumps(properties).encode()
            return wires[number % count].send(method, path, bearer("root"), body)

        for number in range(4):
            assert send(number, "POST", FLOWS, flow(f"flow-{number}")).status == 201
        yield send


def busy(send, client):
    """What a client does on flows that others change too. :returns: how often each answer came, and what it has kept"""
    chance, known, kept = random.Random(client), Counter(), {}
    for step in range(STEPS):
        number, shared = client + step, f"{FLOWS}flow-{chance.randrange(4)}/"
        own = f"own-{client}-{step}"
        value = f"{client}-{step}"
        match chance.randrange(6):
            case 0 | 1:
                asked = ("PATCH", shared, {"title": value, "name": value})
            case 2:
                asked = ("GET", shared)
            case 3:
                asked = ("GET", f"{FLOWS}?search=T")
            case 4:
                asked = ("POST", FLOWS, flow(own))
            case 5:
                asked = ("POST", STAGES, {"name": own})
        response = send(number, *asked)
        if response.status == 503:
            # On a slow machine it may have waited for too long; it says when to come back.
            assert response.headers["retry-after"] == "1"
            response = send(number, *asked)
        known[asked[0], response.status] += 1
        if response.status == 201:
            kept[own] = asked[1]
    return known, kept


def check(send):
    """Let clients work at once, and see that each succeeds, that nothing is lost, and that all goes on."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda client: busy(send, client), range(CLIENTS)))
    known = sum((one for one, _ in found), Counter())
    assert set(known) == {("PATCH", 200), ("GET", 200), ("POST", 201)}, known
    kept = {slug: path for _, own in found for slug, path in own.items()}
    for number in range(2):
        assert send(number, "GET", "/-/health/ready/").status == 200
        listed = {one["slug"]: one for one in send(number, "GET", f"{FLOWS}?page_size=1000").json()["results"]}
        assert {slug for slug, path in kept.items() if path == FLOWS} == listed.keys() - {f"flow-{n}" for n in range(4)}
        stages = {one["name"] for one in send(number, "GET", f"{STAGES}?page_size=1000").json()["results"]}
        assert {slug for slug, path in kept.items() if path == STAGES} == stages
        # Each change is of both members or of none.
        assert all(one["title"] in (one["name"], "T") for one in listed.values())
        assert send(number, "PATCH", f"{FLOWS}flow-0/", {"title": "x", "name": "x"}).json()["title"] == "x"
