"""A mixed load at a steady pace, by clients that remember what was acknowledged."""

import http.client
import itertools
import threading
import time
from array import array
from urllib.parse import urlsplit

from app.conformance.raw_http import TIMEOUT, RawResponse
from tests.asgi import FLOWS
from tests.storm import Storm

CLIENTS = 16
# What ten requests after one another are.
MIX = ("list", "retrieve", "write", "search", "retrieve", "write", "list", "retrieve", "write", "search")
# Requests that a client sends on one connection: with the next one, it may meet the other worker.
KEPT = 100
# Seconds that the clients are behind their pace at most: what was due before is not sent any more.
BEHIND = 1


class KeptWire:
    """A server to send requests to. Each thread keeps its connection for a while.

    :param url: the server; another one may take its place at the same address
    :param timeout: seconds that it may take for one response
    """

    def __init__(self, url, timeout=TIMEOUT):
        self._host, self._timeout = urlsplit(url).netloc, timeout
        self._own = threading.local()
        self._connections = []

    def send(self, method, target, headers=(), body=None):
        """Send a request. :raises OSError: there is no answer"""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection(self._host, timeout=self._timeout)
            connection.responses = 0
            self._connections.append(connection)
        try:
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            content = response.read()
            connection.responses += 1
            if connection.responses % KEPT == 0:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise OSError(f"no answer: {error!r}") from error
        return RawResponse(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def leave(self):
        """Close the calling thread's connection; its next request opens another one."""
        self._own.connection.close()

    def close(self):
        """Close every connection."""
        for connection in self._connections:
            connection.close()


class Pace:
    """When requests are due: evenly spread, whether or not those before are answered."""

    def __init__(self):
        self._every, self._next = 0.0, 0.0
        self._giving = threading.Lock()

    def set(self, rate):
        """:param rate: requests per second; 0 for as many as there can be"""
        with self._giving:
            self._every = 1 / rate if rate else 0.0

    def due(self):
        """When the next request is due, on the clock of `time.monotonic`."""
        with self._giving:
            now = time.monotonic()
            due = max(self._next, now - BEHIND) if self._every else now
            self._next = due + self._every
            return due


class Load(Storm):
    """Clients that read and write. What one has written, it finds; the rest of a request is in `Storm`.

    :param url: the server
    :param token: a superuser's
    """

    def __init__(self, url, token):
        self.pace = Pace()
        # While nothing goes wrong: seconds from the moment that a request was due to its answer.
        self.quiet, self.latencies = False, array("f")
        self._places = itertools.count()
        super().__init__(KeptWire(url), token, CLIENTS)

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.wire.close()

    @property
    def asked(self):
        """How many requests were sent."""
        return self.statuses.total()

    def peak(self, seconds):
        """Send as much as can be answered for some seconds. :returns: requests per second"""
        self.pace.set(0)
        begun, before = time.monotonic(), self.asked
        self._stop.wait(seconds)
        return (self.asked - before) / (time.monotonic() - begun)

    def check(self):
        """As `Storm` does. The next one may meet other workers."""
        super().check()
        self.wire.leave()

    def _turn(self, client, own):
        due, quiet = self.pace.due(), self.quiet
        self._stop.wait(due - time.monotonic())
        place = next(self._places)
        match MIX[place % len(MIX)]:
            case "write":
                super()._turn(client, own)
            case "search":
                self._search(f"flow-{client}-", own)
            case "retrieve" if own:
                self._retrieve(own[place % len(own)])
            case _:
                self._read(FLOWS)
        if quiet and self.quiet:
            self.latencies.append(time.monotonic() - due)

    def _search(self, text, own):
        response = self._read(f"{FLOWS}?search={text}&page_size=100")
        if response is not None:
            found = {flow["slug"] for flow in response.json()["results"]}
            there = {slug for slug in own if None not in self._may[slug]}
            if not there <= found <= set(own):
                self.unexpected.append((text, own, response))

    def _retrieve(self, slug):
        path = f"{FLOWS}{slug}/"
        response = self._ask("GET", path)
        if response is not None and response.status in (200, 404):
            title = response.json()["title"] if response.status == 200 else None
            if title not in self._may[slug]:
                self.unexpected.append((self._may[slug], path, response))

    def _read(self, path):
        """What is read, None if the server or its database is not there."""
        response = self._ask("GET", path)
        if response is None or response.status == 503:
            return None
        if response.status != 200:
            self.unexpected.append(("GET", path, response))
            return None
        return response
