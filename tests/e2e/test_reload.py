"""Servers that are reloaded, stopped and exchanged while clients work: no request is left without its answer."""

import contextlib
import http.client
import itertools
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import wait_for

CLIENTS = 16
# Answers between two signals.
ANSWERS = 200
HEADERS = dict(bearer("root"))


class Clients:
    """Clients that write all the time; most keep their connections. What one of them sees besides success ends it, and shows.

    What was not answered is sent again, to another server if there is one. Had it been carried out, the second answer would be no
    success: the slug would be taken, or the flow gone.

    :param urls: the servers
    """

    def __init__(self, urls):
        self.urls, self.answered = urls, 0
        # How often a connection ended that had been answered on before, and one that was new.
        self.ended, self.turned_away = 0, 0
        self._numbers, self._counting, self._stop = itertools.count(), threading.Lock(), threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._running = [self._pool.submit(self._work, client) for client in range(CLIENTS)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._pool.shutdown()
        for one in self._running:
            one.result()

    def wait(self):
        """Wait for some more answers."""
        enough = self.answered + ANSWERS
        wait_for(lambda: self.answered >= enough or any(one.done() for one in self._running), f"{ANSWERS} answers", 60)

    def _work(self, number):
        client = Client(self, number)
        with contextlib.closing(client):
            while not self._stop.is_set():
                slug = f"flow-{next(self._numbers)}"
                flow = {"name": slug, "slug": slug, "title": slug, "designation": "recovery"}
                assert client.send("POST", FLOWS, flow) == 201
                assert client.send("GET", f"{FLOWS}{slug}/") == 200
                assert client.send("PATCH", f"{FLOWS}{slug}/", {"title": "Other"}) == 200
                assert client.send("DELETE", f"{FLOWS}{slug}/") == 204

    def count(self, what):
        """Count one more."""
        with self._counting:
            setattr(self, what, getattr(self, what) + 1)


class Client:
    """One of them, which has a connection to one of the servers at a time.

    :param all_: all of them
    :param number: its number; every fourth keeps no connection
    """

    def __init__(self, all_, number):
        self._all, self._number = all_, number
        self._connection, self._responses = None, 0

    def close(self):
        """Leave."""
        if self._connection is not None:
            self._connection.close()
            self._connection, self._responses = None, 0

    def send(self, method, path, body=None):
        """Send a request until it is answered. :returns: the answer's status"""
        while True:
            try:
                return self._exchange(method, path, body)
            except ConnectionRefusedError:
                pass
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._all.count("ended" if self._responses else "turned_away")
            self.close()
            self._number += 1

    def _exchange(self, method, path, body):
        if self._connection is None:
            url = urlsplit(self._all.urls[self._number % len(self._all.urls)])
            self._connection = http.client.HTTPConnection(url.netloc, timeout=30)
        self._connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
        response = self._connection.getresponse()
        response.read()
        self._responses += 1
        self._all.count("answered")
        if response.will_close or self._number % 4 == 0:
            self.close()
        return response.status


@pytest.fixture
def variables(database_url, run):
    """The settings of servers on an empty database of each engine."""
    given = {"FLOWS_DATABASE_URL": database_url, "FLOWS_WORKERS": "2"}
    given |= {"FLOWS_BOOTSTRAP_TOKEN": "root", "FLOWS_LOG_LEVEL": "warning"}
    assert run("db", "upgrade", **given).returncode == 0
    return given


def test_a_reload_is_not_noticed(start, variables, rounds, engine):
    _, _, process = start(**variables)
    with Clients([process.url]) as clients:
        for _ in range(rounds):
            clients.wait()
            before = set(psutil.Process(process.pid).children())
            process.send_signal(signal.SIGHUP)
            clients.wait()
            wait_for(lambda before=before: not any(one.is_running() for one in before), "the end of the old workers")
            clients.wait()
    assert "Traceback" not in process.output.read_text()
    assert clients.turned_away == 0
    print(f"{engine}: {rounds} reloads, {clients.answered} answers, {clients.ended} sent again, 0 failed")


def test_servers_are_exchanged_one_after_the_other(start, variables, rounds, engine):
    running = [start(**variables)[2] for _ in range(2)]
    with Clients([process.url for process in running]) as clients:
        for number in range(rounds):
            clients.wait()
            old = running[number % 2]
            old.terminate()
            assert old.wait(30) == 0
            running[number % 2] = start(**variables)[2]
            clients.urls[number % 2] = running[number % 2].url
    assert "Traceback" not in "".join(process.output.read_text() for process in running)
    print(
        f"{engine}: {rounds} stops, {clients.answered} answers, {clients.ended}+{clients.turned_away} sent again, 0 failed"
    )


def answer_of(connection, request):
    """Send a request that succeeds. :returns: what the answer says of the connection"""
    connection.sendall(request)
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    assert response.status == 200
    return response.getheader("connection")


def test_what_is_on_its_way_when_a_server_stops_is_answered(start):
    _, token, process = start()
    address = ("127.0.0.1", urlsplit(process.url).port)
    opened = [socket.create_connection(address, 30) for _ in range(8)]
    request = f"GET {FLOWS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    for connection in opened[:4]:
        assert answer_of(connection, request) is None
    process.terminate()

    def rejected():
        try:
            socket.create_connection(address, 30).close()
        except OSError:
            return True

    wait_for(rejected, "the beginning of the end")
    for connection in opened[:2] + opened[4:6]:
        assert answer_of(connection, request) == "close"
        assert connection.recv(1) == b""
    for connection in opened[2:4] + opened[6:]:
        assert connection.recv(1) == b""
    assert process.wait(30) == 0
    for connection in opened:
        connection.close()
