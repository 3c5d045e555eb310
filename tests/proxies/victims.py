"""Clients beside an attacker, who look whether they get their own responses."""

import contextlib
import http.client
import itertools
import json
import threading

from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.proxies.running import TOKEN

# The flow that an attacker is after; nobody asks for it.
VICTIM = "victim-flow"
COUNT = 6
# What the path of each request has in it that nobody should see.
SMUGGLED = "smuggled"
# Seconds without a response after which a client complains.
TIMEOUT = 20


class Victims:
    """Clients of a front, each of which reads and changes a flow of its own, on a connection that it keeps.

    :param front: what they connect to
    """

    SLUGS = tuple(f"own-{number}" for number in range(COUNT))

    def __init__(self, front):
        self.paths = [f"{FLOWS}{slug}/" for slug in self.SLUGS]
        # What they got that was not theirs.
        self.complaints = []
        self._front = front
        self._answered = [0] * COUNT
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(COUNT)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        # Whatever the attacker left behind on a connection, somebody comes upon it.
        self.go_on(20)
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, times):
        """Wait until each has got some more responses, or complains."""
        enough = [answered + times for answered in self._answered]
        while not self.complaints and any(map(int.__lt__, self._answered, enough)):
            self._ended.wait(0.005)

    def _work(self, number):
        slug, path = self.SLUGS[number], self.paths[number]
        connection = http.client.HTTPConnection("127.0.0.1", self._front.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        seen = set()
        for count in itertools.count():
            if self._ended.is_set() or self.complaints:
                break
            title, content = f"{slug} {count}", b""
            body = None if count % 2 else json.dumps({"title": title})
            try:
                connection.request("PATCH" if body else "GET", path, body, headers)
                response = connection.getresponse()
                content = response.read()
                flow = json.loads(content)
                id_ = response.headers["X-authentik-Id"]
                if (response.status, flow["slug"], id_ in seen) != (200, slug, False):
                    raise ValueError(response.status)
                if body and flow["title"] != title:
                    raise ValueError(title)
                seen.add(id_)
                self._answered[number] += 1
                if count % 20 == 0:
                    connection.close()
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                self.complaints.append((slug, body, repr(error), content[:200]))
        connection.close()


def prepare(wire):
    """Make the flows of all clients, and the one that an attacker is after, unless they are there. :param wire: a server"""
    for slug in (VICTIM, *Victims.SLUGS):
        flow = json.dumps(FLOW | {"slug": slug, "name": slug}).encode()
        assert wire.send("POST", FLOWS, bearer(TOKEN), flow).status in (201, 400)


@contextlib.contextmanager
def unharmed(front):
    """Clients beside an attacker. At the end each must have got its own responses, and nothing may have been smuggled."""
    prepare(front.server())
    before = len(front.requests())
    with Victims(front) as victims:
        yield victims
    requests = front.requests()[before:]
    assert not victims.complaints, victims.complaints[:3]
    smuggled = [request for request in requests if SMUGGLED in request[1] or VICTIM in request[1]]
    assert not smuggled, smuggled[:3]
    # An attacker has no token.
    own = {("POST", FLOWS), ("GET", FLOWS), *((method, path) for method in ("GET", "PATCH") for path in victims.paths)}
    others = [request for request in requests if request[2] and request[:2] not in own]
    assert not others, others[:3]
    left = front.server().send("GET", f"{FLOWS}?slug={VICTIM}", bearer(TOKEN)).json()["results"]
    assert [flow["slug"] for flow in left] == [VICTIM]
