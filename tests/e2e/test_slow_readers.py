"""Clients that ask for pages and take nothing in: whoever watches over the server is answered, and so are other readers."""

import contextlib
import socket
from urllib.parse import urlsplit

import pytest

from app.application import create_app, open_store
from app.conformance.raw_http import RawClient
from app.pages.adapter import THREADS
from app.settings import Settings
from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.forms import form
from tests.serving import served

BUNDLE = "/docs/swagger-ui-bundle.js"


@pytest.fixture
def wire(database_url, contract):
    """A server on each engine."""
    settings = Settings(database_url=database_url)
    store = open_store(settings, contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    with served(create_app(settings, contract=contract, store=store)) as url:
        wire = RawClient(url)
        wire.url = url
        yield wire


@pytest.fixture
def picture(wire):
    """The URL of an uploaded picture of 8 MB."""
    flow = b'{"name": "a", "slug": "a", "title": "a", "designation": "recovery"}'
    assert wire.send("POST", FLOWS, [*bearer("root"), ("Content-Type", "application/json")], flow).status == 201
    body, headers = form(file=("picture.png", "image/png", bytes(8_000_000)))
    sent = wire.send("POST", f"{FLOWS}a/set_background/", [*bearer("root"), *headers.items()], body)
    assert sent.status == 200, sent
    return wire.send("GET", f"{FLOWS}a/", bearer("root")).json()["background"]


@contextlib.contextmanager
def slow_readers(wire, path, number):
    """Clients that have asked for a page, some times, and take in nothing of it."""
    address = urlsplit(wire.url)
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((address.hostname, address.port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 4)
            # It is being answered.
            assert client.recv(1, socket.MSG_PEEK) == b"H"
        yield


@pytest.mark.parametrize("what", ["bundle", "picture"])
def test_slow_readers_of_pages_are_in_nobodys_way(wire, picture, what):
    path = BUNDLE if what == "bundle" else picture
    with slow_readers(wire, path, 2 * THREADS):
        for path_, size in (
            ("/-/health/live/", 0),
            ("/-/health/ready/", 0),
            ("/-/metrics/", 1000),
            ("/", 10_000),
            (BUNDLE, 1_000_000),
            (picture, 8_000_000),
        ):
            response = wire.send("GET", path_)
            assert response.status == 200, path_
            assert len(response.body) >= size
