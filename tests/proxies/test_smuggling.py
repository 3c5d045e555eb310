"""Whatever an attacker sends, through proxies that keep connections or directly: each client gets its own response."""

import contextlib
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.asgi import FLOWS
from tests.proxies.shapes import BEGUN, FAMILIES, WHOLE, head, sized
from tests.proxies.victims import SMUGGLED, unharmed

# Connections of the attacker at once.
ATTACKERS = 8
# Seconds between two segments, so that they are two to the server.
BETWEEN = 0.01
# Seconds that the attacker waits for a response, and for more of it; it is after others.
PATIENCE, MORE = 1, 0.03


def send(front, segments, *, half_closed=False, more=MORE):
    """Send segments on a connection of its own.

    :param half_closed: whether to say that no more comes
    :param more: seconds to wait for more of a response
    :returns: what comes back
    """
    received = b""
    with contextlib.suppress(OSError), contextlib.closing(front.connect()) as connection:
        for segment in segments:
            connection.sendall(segment.encode("latin-1"))
            if segment is not segments[-1]:
                threading.Event().wait(BETWEEN)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(PATIENCE)
        while piece := connection.recv(65536):
            received += piece
            connection.settimeout(more)
    return received


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_part_of_a_request_is_taken_for_another_one(front, family):
    with unharmed(front), ThreadPoolExecutor(ATTACKERS) as pool:
        shapes = [*family(WHOLE), *family(BEGUN)]
        for received in pool.map(lambda segments: send(front, segments), shapes):
            assert SMUGGLED.encode() not in received


def test_half_a_request_of_a_client_that_is_gone_is_nobodys(front):
    def half(number):
        return send(front, [head("Content-Length: 1000\r\n") + BEGUN * number], half_closed=True)

    with unharmed(front), ThreadPoolExecutor(ATTACKERS) as pool:
        list(pool.map(half, range(1, 12)))


# Ends of lines that are skipped wherever a read ends: behind them a request begins with the next read.
EMPTY_LINES = "\r\n" * 300_000
TIMES = 10


def test_nobody_acts_with_the_token_of_another_client(front):
    """The body of a request for another protocol is empty lines, and a request that the next client's headers complete."""
    body = EMPTY_LINES + BEGUN
    with unharmed(front) as victims:
        for _ in range(TIMES):
            send(front, [head("Connection: Upgrade\r\nUpgrade: websocket\r\n" + sized(body)) + body])
            victims.go_on(2)


def test_a_denied_page_is_given_to_nobody(front):
    body = EMPTY_LINES + "GET /-/metrics/ HTTP/1.1\r\nHost: x\r\nX: "
    with unharmed(front) as victims:
        for _ in range(TIMES):
            received = send(front, [head("Connection: Upgrade\r\nUpgrade: h2c\r\n" + sized(body)) + body])
            assert b"flows_requests_total" not in received
            victims.go_on(2)


def test_pipelined_requests_are_answered_in_their_order(front):
    count = 60
    pipeline = "".join(head("", f"GET {FLOWS}piped-{number}/") for number in range(count))
    pipeline += head("Connection: close\r\n", "GET /-/health/live/")
    with unharmed(front):
        received = send(front, [pipeline], more=20)
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", received)
    assert statuses == [b"403"] * count + [b"200"]
