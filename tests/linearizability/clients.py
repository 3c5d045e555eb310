"""Clients that work on the same few flows at once, and record what they see."""

import functools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.endurance.load import KeptWire
from tests.linearizability.history import UNKNOWN, History
from tests.linearizability.model import Change, Create, Delete, Entry, Flow, Get, Import, List
from tests.linearizability.requests import Requests
from tests.serving import wait_for

SLUGS = "abc"
# Seconds without a response that count as a hang: more than the server gives any statement.
HANG = 25
# Seconds that a client waits after it got no response.
PAUSE = 0.05
# How often a client takes another connection, which may lead to another worker.
CHANGES_CONNECTION = 0.1


def _create(dice, slug, value):
    return Create(Flow(slug, value, value))


def _change(dice, slug, value):
    return Change(slug, ((dice.choice(("name", "title")), value),))


def _replace(dice, slug, value):
    return Change(slug, (("slug", slug), ("name", value), ("title", value)))


def _rename(dice, slug, value):
    return Change(slug, (("slug", dice.choice(SLUGS)), ("title", value)))


def _delete(dice, slug, value):
    return Delete(slug)


def _import(dice, slug, value):
    other = dice.choice([one for one in SLUGS if one != slug])
    first = dice.choice(("present", "present", "created"))
    second = dice.choice(("present", "present", "created", "must_created", "absent"))
    return Import((Entry(first, Flow(slug, value, value)), Entry(second, Flow(other, value, value))))


def _import_unless(dice, slug, value):
    other = dice.choice([one for one in SLUGS if one != slug])
    return Import((Entry("present", Flow(slug, value, value), unless=other),))


def _get(dice, slug, value):
    return Get(slug)


def _list(dice, slug, value):
    return List()


# How often each is among a hundred.
MIXTURE = {
    _create: 10,
    _change: 20,
    _replace: 6,
    _rename: 8,
    _delete: 6,
    _import: 12,
    _import_unless: 4,
    _get: 17,
    _list: 17,
}


class Crowd:
    """Clients of one group of flows.

    :param url: the server's
    :param token: a superuser's
    :param prefix: what the slugs of the group begin with; no other flow's does
    :param seed: of what is asked
    """

    def __init__(self, url, token, prefix, seed):
        self.history, self.hung = History(), None
        self._wire = KeptWire(url, timeout=HANG)
        self._credentials = {"Authorization": f"Bearer {token}"}
        self._requests = Requests(prefix)
        self._seed = seed
        self._stop = threading.Event()

    def work(self, clients, operations):
        """Let clients work, each on a thread.

        :param clients: how many there are
        :param operations: how many each asks for
        """
        with ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(self._work, client, operations) for client in range(clients)]:
                done.result()
        self._wire.close()

    def stop(self):
        """Let the clients end after the operation that is under way."""
        self._stop.set()

    def finish(self):
        """Read all flows, until there is a response, then remove them."""
        operation = wait_for(lambda: (last := self._ask(0, lambda _: List())).known and last, "a list of all flows")
        if isinstance(operation.result, frozenset):
            for flow in operation.result:
                self._send(Delete(flow.slug))
        self._wire.close()

    def _work(self, client, operations):
        dice = random.Random(f"{self._seed} {client}")
        for _ in range(operations):
            if self._stop.is_set():
                break
            make = dice.choices([*MIXTURE], [*MIXTURE.values()])[0]
            if not self._ask(client, functools.partial(make, dice, dice.choice(SLUGS))).known:
                self._stop.wait(PAUSE)
            if dice.random() < CHANGES_CONNECTION:
                self._wire.leave()

    def _ask(self, client, make):
        number = self.history.number()
        operation = self.history.invoke(number, client, make(str(number)))
        self.history.settle(operation, self._send(operation.call))
        if not operation.known and time.monotonic() - operation.invoked >= HANG:
            self.hung = operation
            self.stop()
        return operation

    def _send(self, call):
        """Send the request of an operation. :returns: its result"""
        method, target, headers, body = self._requests.request(call)
        try:
            response = self._wire.send(method, target, {**self._credentials, **headers}, body)
        except OSError:
            return UNKNOWN
        return self._requests.result(call, response)
