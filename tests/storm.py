"""A storm of writes that remembers what was acknowledged, so that a loss shows."""

import itertools
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.asgi import FLOWS
from tests.forms import form

BINDINGS = "/api/v3/flows/bindings/"
ALL = "?page_size=100000"
# Flows that a writer has at once: a storm of any length leaves a small store.
KEPT = 10
# Seconds that a client waits after it got no answer.
PAUSE = 0.05

BLUEPRINT = """entries:
- model: authentik_flows.flow
  id: flow
  identifiers: {{slug: {slug}}}
  attrs: {{name: "{value}", title: "{value}", designation: recovery}}
- model: authentik_stages_dummy.dummystage
  id: stage
  identifiers: {{name: {slug}}}
- model: authentik_flows.flowstagebinding
  identifiers: {{target: !KeyOf flow, stage: !KeyOf stage}}
  attrs: {{order: {value}}}
"""


class Storm:
    """Clients that create, change, delete and import flows until told to stop.

    An answer of success is a promise; a 503 or no answer leaves it open what became of the request, until the flow is written next.

    :param wire: the server; may be exchanged for another one meanwhile
    :param token: a superuser's
    :param clients: how many there are
    """

    def __init__(self, wire, token, clients=8):
        self.wire, self._token = wire, token
        self.acknowledged, self.statuses = 0, Counter()
        self.unexpected = []
        # What each flow's title may be, None if it may be missing. Each belongs to one client.
        self._may = {}
        self._numbers = itertools.count(1)
        self._counting = threading.Lock()
        self._stop = threading.Event()
        # For a check all clients have to pause: they wait before a turn, and the check for the end of all turns.
        self._go = threading.Event()
        self._go.set()
        self._clients, self._turns = clients, threading.Semaphore(clients)
        self._pool = ThreadPoolExecutor(clients)
        self._running = [self._pool.submit(self._work, client) for client in range(clients)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for one in self._running:
            one.result(120)
        self._pool.shutdown()

    @property
    def open(self):
        """How many requests were not answered, or with 503."""
        return self.statuses[None] + self.statuses[503]

    def _work(self, client):
        own = []
        while not self._stop.is_set():
            self._go.wait()
            with self._turns:
                self._turn(client, own)

    def _turn(self, client, own):
        """Import, create, delete or change a flow. :param own: the slugs of the client's flows"""
        number = next(self._numbers)
        properties = {"name": str(number), "title": str(number)}
        if number % 8 == 0:
            self._import(f"imported-{client}", number)
        elif number % 8 < 3 or not own:
            slug = f"flow-{client}-{number}"
            self._write(own, slug, str(number), "POST", FLOWS, properties | {"slug": slug, "designation": "recovery"})
        elif len(own) > KEPT:
            self._write(own, own[0], None, "DELETE", f"{FLOWS}{own[0]}/")
        else:
            slug = own[number % len(own)]
            self._write(own, slug, str(number), "PATCH", f"{FLOWS}{slug}/", properties)

    def _write(self, own, slug, value, method, path, properties=None):
        body = None if properties is None else json.dumps(properties).encode()
        self._send(slug, value, method, path, {"Content-Type": "application/json"}, body)
        # A flow that may be there is written again.
        if self._may[slug] == {None}:
            if slug in own:
                own.remove(slug)
        elif slug not in own:
            own.append(slug)

    def _import(self, slug, number):
        content = BLUEPRINT.format(slug=slug, value=number).encode()
        body, headers = form(file=("a.yaml", "application/yaml", content))
        self._send(slug, str(number), "POST", f"{FLOWS}import/", headers, body)

    def _send(self, slug, value, method, path, headers, body):
        """Write a flow. :param value: its title afterwards, None if there is no such flow then"""
        before = self._may.get(slug, {None})
        self._may[slug] = before | {value}
        response = self._ask(method, path, headers, body)
        if response is None or response.status == 503:
            return
        if response.status == 404 and None in before:
            self._may[slug] = {None}
        elif response.status < 300:
            self._may[slug] = {value}
            with self._counting:
                self.acknowledged += 1
        else:
            self.unexpected.append((method, path, response))

    def _ask(self, method, path, headers=None, body=None):
        """Send a request. :returns: the answer, None if there was none"""
        credentials = ("Authorization", f"Bearer {self._token}")
        try:
            response = self.wire.send(method, path, [credentials, *(headers or {}).items()], body)
        except OSError:
            response = None
            # The server may be down: do not ask more often than a client would.
            self._stop.wait(PAUSE)
        with self._counting:
            self.statuses[response and response.status] += 1
        if response is not None and response.status >= 500 and not _rejected(response):
            self.unexpected.append((method, path, response))
        return response

    def check(self):
        """Assert that all that was acknowledged is there, that nothing is there in part, and that no answer was another one."""
        self._go.clear()
        for _ in range(self._clients):
            self._turns.acquire()
        try:
            self._check()
        finally:
            self._turns.release(self._clients)
            self._go.set()

    def _check(self):
        assert not self.unexpected, self.unexpected[:3]
        flows = {flow["slug"]: flow for flow in self._all(FLOWS)}
        for slug, values in self._may.items():
            found = flows.get(slug)
            assert (found and found["title"]) in values, (slug, values, found)
        bindings = {binding["target"]: str(binding["order"]) for binding in self._all(BINDINGS)}
        for slug, flow in flows.items():
            assert flow["name"] == flow["title"], flow
            assert bindings.pop(flow["pk"], None) == (flow["title"] if slug.startswith("imported") else None), flow
        assert not bindings
        # What is gone for good need not be looked for again.
        self._may = {slug: values for slug, values in self._may.items() if values != {None}}

    def _all(self, path):
        response = self._ask("GET", path + ALL)
        assert response is not None, path
        assert response.status == 200, response
        return response.json()["results"]


def _rejected(response):
    """Whether an answer is the one of a database that is not there."""
    message = {"detail": "The database is not available."}
    return response.status == 503 and response.json() == message and response.headers["retry-after"] == "1"
