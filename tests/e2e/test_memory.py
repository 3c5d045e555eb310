"""What strangers can take of a worker's memory: 256 connections without a token, which take no response in."""

import contextlib
import socket
import time

import psutil
import pytest

from tests import commands
from tests.asgi import FLOWS

pytestmark = pytest.mark.alone(reason="beside other tests less would be sent in the time")

# A fork shares memory with its origin.
LAUNCH = commands.installed

CONNECTIONS = 256
# Bytes.
MOST = 64 * 1024 * 1024
# Seconds for which strangers send, and after which nothing moves any more.
SENDING, STILL = 2, 0.3

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 8
FIELDS = b"".join(b"a%d: b\r\n" % number for number in range(97))
LONG_FIELDS = b"".join(b"a%d: %b\r\n" % (number, b"b" * 300) for number in range(97))
POST = b"POST /docs/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n"

SENT = {
    "heads of many fields": HEAD + b"a:\r\n" * 16_000,
    "trailers": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:b\r\n" * 200_000,
    "pipelines": LARGE + (HEAD + b"\r\n") * 40_000,
    "pipelines of many fields": LARGE + (HEAD + FIELDS + b"\r\n") * 1_000,
    "bodies that nobody reads": POST + LONG_FIELDS + b"\r\n" + b"a" * 9_000_000,
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_strangers_take_little_memory(start, sent):
    server, _, process = start()
    host, port = process.url.removeprefix("http://").split(":")
    for path in ("/", "/docs/swagger-ui-bundle.js", FLOWS):
        server.send("GET", path)
    worker = psutil.Process(process.pid).children()[0]
    before = worker.memory_info().rss
    with contextlib.ExitStack() as opened:
        rest = {}
        for _ in range(CONNECTIONS):
            client = opened.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect((host, int(port)))
            client.setblocking(False)
            rest[client] = memoryview(sent)
        end = time.monotonic() + SENDING
        moved = time.monotonic()
        while rest and time.monotonic() < min(end, moved + STILL):
            for client in list(rest):
                with contextlib.suppress(BlockingIOError):
                    try:
                        rest[client] = rest[client][client.send(rest[client][:65536]) :]
                        moved = time.monotonic()
                    except ConnectionError:
                        rest[client] = memoryview(b"")
                if not rest[client]:
                    del rest[client]
        # It has read all that there is to read when it answers somebody else.
        assert server.send("GET", FLOWS).status == 403
        assert worker.memory_info().rss - before < MOST
