"""Clients that mean no good: each is answered or cut off, costs little, and nobody else waits for it."""

import contextlib
import gzip
import itertools
import json
import re
import socket
import threading

import psutil
import pytest

from app.conformance.raw_http import RawClient
from app.server import protocol
from tests.asgi import FLOWS
from tests.conftest import application
from tests.e2e.test_command import bearer
from tests.growth import TIMES, in_proportion
from tests.serving import served, wait_for

LIMIT = 1_000_000
HEAD = "Host: x\r\nAuthorization: Bearer root\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def url(contract, tmp_path_factory):
    """A server with a small limit of bodies, and little patience."""
    database_url = f"sqlite:///{tmp_path_factory.mktemp('hostile')}/flows.sqlite3"
    with application(database_url, contract, body_limit=LIMIT, json_limit=LIMIT) as (store, app), served(app) as url:
        store.tokens.add("root", superuser=True, secret="root")
        yield url


@pytest.fixture
def connect(url):
    """Opens connections that are closed at the end."""
    opened = []

    def connect():
        host, port = url.removeprefix("http://").split(":")
        opened.append(socket.create_connection((host, int(port)), 20))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture(autouse=True)
def others_are_served(url):
    """After each test, and before the wire's patience is over."""
    yield
    assert RawClient(url).send("GET", FLOWS, bearer("root")).status == 200


def everything(connection):
    """All that comes until the server ends the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def exchange(connection, text):
    connection.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
    return everything(connection)


def request(method="GET", path=FLOWS, headers="", body=""):
    return f"{method} {path} HTTP/1.1\r\n{HEAD}{headers}\r\n{body}"


@pytest.mark.parametrize(
    "beginning",
    [
        "GET ",
        "GET / HTTP/1.1\r\n",
        request()[:-2] + "X: y\r\n",
        request("POST", headers="Content-Length: 100\r\n", body="{"),
    ],
    ids=["line", "headers", "end of headers", "body"],
)
def test_slow_requests_end(connect, monkeypatch, beginning):
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    connections = [connect() for _ in range(50)]
    for connection in connections:
        connection.sendall(beginning.encode())
    trickle = itertools.cycle(connections)
    ended = threading.Event()

    def send_on():
        while not ended.wait(0.01):
            with contextlib.suppress(OSError):
                next(trickle).sendall(b"x")

    thread = threading.Thread(target=send_on)
    thread.start()
    try:
        for connection in connections:
            received = everything(connection)
            assert statuses(received) in ([408], [])
    finally:
        ended.set()
        thread.join()


def test_a_connection_that_says_nothing_ends(connect, monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    assert everything(connect()) == b""


def test_patience_is_for_one_request(connect, monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    connection = connect()
    for _ in range(4):
        connection.sendall(request("GET").encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        threading.Event().wait(0.1)


@pytest.mark.parametrize(
    "head",
    [
        "GET /" + "a" * 200_000,
        "GET " + FLOWS + "?search=" + "a" * 200_000,
        f"GET {FLOWS} HTTP/1.1\r\nX: " + "a" * 200_000,
        f"GET {FLOWS} HTTP/1.1\r\n" + "a: b\r\n" * 40_000,
    ],
    ids=["path", "query", "header", "headers"],
)
def test_heads_that_are_too_large(connect, head):
    received = exchange(connect(), head)
    assert statuses(received) in ([431], [])
    assert b"Traceback" not in received


def test_a_head_without_an_end_takes_no_memory(connect):
    before = psutil.Process().memory_info().rss
    connection = connect()
    with pytest.raises(OSError, match=r"reset|pipe|abort"):
        connection.sendall(b"GET /" + b"a" * 200_000_000)
    assert psutil.Process().memory_info().rss - before < 50_000_000


@pytest.mark.parametrize("length", [f"Content-Length: {10**12}", "Transfer-Encoding: chunked"])
def test_bodies_that_are_too_large(connect, length):
    connection = connect()
    connection.sendall(request("POST", headers=length + "\r\n").encode())
    chunk = (b"%x\r\n%s\r\n" % (50_000, b"a" * 50_000)) if "chunked" in length else b"a" * 50_000
    for _ in range(LIMIT // 50_000 + 1):
        connection.sendall(chunk)
    assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_bodies_are_not_unpacked(url, encoding):
    bomb = gzip.compress(json.dumps({"name": "a" * 50_000_000}).encode())
    response = RawClient(url).send("POST", FLOWS, [*bearer("root"), ("Content-Encoding", encoding)], bomb)
    assert (response.status, list(response.json())) == (400, ["detail"])


# By what they do: JSON of about so many bytes.
HURTFUL = {
    "opened": lambda size: "[" * size,
    "deep": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "deep objects": lambda size: '{"a":' * (size // 5),
    "deep members": lambda size: '{"name":[' + ",".join(['{"a":' * 900 + "1" + "}" * 900] * (size // 5_400)) + "]}",
    "digits": lambda size: '{"name": ' + "9" * size + "}",
    "exponent": lambda size: '{"order": 1e' + "9" * size + "}",
    "NUL": lambda size: '{"name": "' + "\\u0000" * (size // 6) + '"}',
    "members": lambda size: "{" + ",".join(f'"a{n}":1' for n in range(size // 12)) + "}",
    "long member": lambda size: '{"' + "a" * size + '":1}',
}


@pytest.mark.parametrize("made", HURTFUL.values(), ids=HURTFUL)
def test_json_that_is_made_to_hurt(url, made):
    def rejected(body):
        assert RawClient(url).send("POST", FLOWS, bearer("root"), body).status == 400

    short, long = (made(size).encode() for size in (LIMIT // 20, LIMIT // 20 * TIMES))
    assert in_proportion(rejected, short, long, floor=2e-3)


def test_requests_one_behind_the_other_are_answered_in_their_order(connect):
    paths = ["/-/health/live/", FLOWS, "/-/nothing/", FLOWS + "nothing/", FLOWS + "?page=9"]
    sent = "".join(request(path=path) for path in paths * 10) + request(path=FLOWS, headers="Connection: close\r\n")
    assert statuses(exchange(connect(), sent)) == [200, 200, 404, 404, 404] * 10 + [200]


def test_what_is_no_http_behind_a_request_comes_after_its_answer(connect):
    received = exchange(connect(), request() + "\0\0\0 no HTTP at all\r\n\r\n")
    assert statuses(received)[0] == 200


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 0, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        f"Content-Length: {2**64}\r\n",
        "Transfer-Encoding: identity, chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: a\nTransfer-Encoding: chunked\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X\0: a\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ],
)
def test_shapes_of_smuggled_requests(connect, headers):
    """Whatever a proxy in front makes of it, no second request is seen here."""
    received = exchange(connect(), request("POST", headers=headers, body="0\r\n\r\n" + SMUGGLED))
    assert statuses(received) == [400]
    assert b"smuggled" not in received


@pytest.mark.parametrize(
    "body",
    [
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n",
        "f" * 17 + "\r\n",
    ],
)
def test_chunks_that_are_none(connect, body):
    received = exchange(connect(), request("POST", headers="Transfer-Encoding: chunked\r\n", body=body + SMUGGLED))
    assert statuses(received) == [400]


@pytest.mark.parametrize("protocols", ["h2c", "websocket", "x"])
def test_other_protocols_are_not_spoken(connect, protocols):
    headers = f"Connection: upgrade, close\r\nUpgrade: {protocols}\r\n"
    assert statuses(exchange(connect(), request(headers=headers))) == [200]


def test_many_connections_that_do_nothing(connect, url):
    before = psutil.Process().memory_info().rss
    for _ in range(400):
        connect()
    assert RawClient(url).send("GET", FLOWS, bearer("root")).status == 200
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_answers_that_nobody_takes_in(connect, monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 2)
    connections = [connect() for _ in range(10)]
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.sendall(request(path="/api/v3/schema/").encode() * 30)
    clients = {connection.getsockname() for connection in connections}

    def kept():
        return clients & {one.raddr for one in psutil.Process().net_connections("tcp") if one.raddr}

    wait_for(kept, "a connection")
    wait_for(lambda: not kept(), "the end of the connections")
