"""Requests that wait on one connection for their turn, and the end of a connection."""

import asyncio
import tracemalloc

import pytest

from app.server import flow_control as flow
from app.server import lingering
from app.server.exchange import MOST_SKIPPED
from tests.wired import Connection, bodies, echo, exchange, statuses

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def numbered(count):
    return b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(count))


def post(body, fields=b"", target=b"/"):
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b" % (target, len(body), fields, body)


class Gate:
    """An application that answers when it is told to."""

    def __init__(self):
        self.begun, self.disconnected = [], []
        self._opened = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.begun.append(scope["path"])
        await self._opened.wait()
        await echo(scope, self._told(receive), send)

    def _told(self, receive):
        async def received():
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.append(message)
            return message

        return received

    def open(self):
        self._opened.set()


def run(test, *, takes=True):
    """Run a test with a connection to an application that waits."""

    async def main():
        gate = Gate()
        connection = Connection(gate, takes=takes)
        await test(gate, connection)
        connection.lose()
        assert flow.PipelineFlow.total == 0

    asyncio.run(main())


@pytest.mark.parametrize("count", [2, 17, 3000])
def test_a_pipeline_of_any_length_is_answered_in_order_to_its_end(count):
    sent = numbered(count)
    for segments in ([sent], [sent[: len(sent) // 2 - 3], sent[len(sent) // 2 - 3 :]]):
        received, ended = exchange(echo, *segments)
        assert [seen["path"] for seen in bodies(received)] == [f"/{number}" for number in range(count)]
        assert not ended


def test_bodies_in_a_pipeline_are_read():
    sent = b"".join(
        post(b"\r\n\r\nGET /no HTTP/1.1\r\n\r\n" * size + b"%d" % size, target=b"/%d" % size) for size in range(200)
    )
    received, ended = exchange(echo, sent + GET)
    assert [seen["path"] for seen in bodies(received)] == [f"/{size}" for size in range(200)] + ["/"]
    assert [seen["body"].rpartition("\n")[2] for seen in bodies(received)] == [str(size) for size in range(200)] + [""]
    assert not ended


@pytest.mark.parametrize("segments", [1, 100])
def test_few_requests_are_parsed_while_one_is_served(segments):
    async def test(gate, connection):
        sent = numbered(5000)
        size = len(sent) // segments + 1
        await connection.send(*[sent[start : start + size] for start in range(0, len(sent), size)])
        assert connection.transport.paused
        assert 10 < len(connection.protocol.pipeline) < 40
        gate.open()
        await connection.send()
        assert len(bodies(connection.received)) == 5000
        assert not connection.transport.paused

    run(test)


@pytest.mark.parametrize(
    "waiting",
    [
        GET * 10_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" * 10 + b"a:\r\n" * 8_000,
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 99 + b"\r\n") * 500,
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: " + b"b" * 30_000 + b"\r\n\r\n") * 8,
        post(b"a" * 250_000),
        post(b"a") * 5000,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"a:b\r\n" * 40_000,
    ],
    ids=["small", "broken", "many headers", "long headers", "body", "bodies", "trailers"],
)
def test_what_waits_takes_little_memory(waiting):
    async def test(_gate, connection):
        await connection.send(GET)
        tracemalloc.start()
        await connection.send(waiting)
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        # What has been parsed, and what has been read and is held back as it came.
        assert taken < 160_000 + len(waiting)

    run(test)


def test_what_is_held_back_has_a_budget(monkeypatch):
    monkeypatch.setattr(flow, "MOST_HELD", 100_000)

    async def main():
        gate = Gate()
        connections = [Connection(gate) for _ in range(3)]
        for connection in connections:
            await connection.send(numbered(3000)[:60_000])
        gate.open()
        for connection in connections:
            await connection.send()
        first, *others = connections
        # The first one has what it sent; of the others only what had been parsed is answered.
        assert (len(bodies(first.received)) > 1500, first.ended) == (True, False)
        for other in others:
            assert 10 < len(bodies(other.received)) < 40
            assert other.ended
        for connection in connections:
            connection.lose()
        assert flow.PipelineFlow.total == 0

    asyncio.run(main())


def test_a_lost_connection_holds_nothing_back():
    async def test(_gate, connection):
        await connection.send(numbered(3000))
        assert flow.PipelineFlow.total > 10_000

    run(test)


def test_a_pipeline_goes_on_while_the_next_request_is_incomplete():
    async def test(gate, connection):
        await connection.send(GET * 3 + GET[:10])
        connection.protocol._give_up()
        assert not connection.ended
        gate.open()
        await connection.send(GET[10:])
        assert statuses(connection.received) == [200] * 4

    run(test)


def test_a_pipeline_is_answered_to_a_client_that_is_slow_to_take_it_in():
    async def test(gate, connection):
        gate.open()
        await connection.send(numbered(3000))
        assert len(statuses(connection.received)) < 10
        connection.transport.take()
        await connection.send()
        assert [seen["path"] for seen in bodies(connection.received)] == [f"/{number}" for number in range(3000)]

    run(test, takes=False)


@pytest.mark.parametrize("sent", [GET, GET * 3, numbered(3000), post(b"abc"), GET + post(b"a" * 300_000)])
def test_a_half_closed_client_gets_its_responses(sent):
    full, _ = exchange(echo, sent)
    received, ended = exchange(echo, sent, eof=True)
    assert bodies(received) == bodies(full)
    assert ended


def test_a_half_closed_client_gets_a_response_that_takes_long():
    async def test(gate, connection):
        await connection.send(GET, eof=True)
        assert not connection.ended
        gate.open()
        await connection.send()
        assert statuses(connection.received) == [200]
        assert b"connection: close\r\n" in connection.received
        assert connection.ended

    run(test)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        GET[:3],
        GET[:-1],
        post(b"abc")[:-1],
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    ],
)
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_request_that_a_half_closed_client_did_not_complete_is_dropped(before, rest):
    async def test(gate, connection):
        await connection.send(GET * before + rest, eof=True)
        gate.open()
        await connection.send()
        assert statuses(connection.received) == [200] * before
        assert connection.ended
        connection.lose()

    run(test)


@pytest.mark.parametrize(
    "noise", [b"\0 no HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/2.0\r\nHost: x\r\n\r\n"]
)
@pytest.mark.parametrize("before", [1, 3, 3000])
def test_a_refusal_comes_behind_the_responses_before_it(before, noise):
    async def test(gate, connection):
        await connection.send(GET * before + noise + GET)
        assert not connection.received
        gate.open()
        await connection.send()
        assert statuses(connection.received)[:-1] == [200] * before
        assert statuses(connection.received)[-1] in (400, 505)
        assert connection.ended

    run(test)


def test_a_broken_body_of_a_request_that_waits_is_refused_in_its_turn():
    violated = b"POST /broken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n"

    async def test(gate, connection):
        await connection.send(GET, violated, GET)
        gate.open()
        await connection.send()
        assert statuses(connection.received) == [200, 400]
        assert gate.begun == ["/"]

    run(test)


def test_a_request_whose_body_breaks_at_once_is_not_carried_out():
    async def test(gate, connection):
        gate.open()
        await connection.send(b"DELETE / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n")
        assert statuses(connection.received) == [400]
        assert not gate.begun

    run(test)


async def early(scope, _receive, send):
    """An application that answers without reading."""
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


def head(length):
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def test_a_small_rest_behind_a_response_is_discarded():
    body = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    received, ended = exchange(early, head(len(body)), body[:100], body[100:] + GET)
    assert (statuses(received), ended) == ([403, 403], False)
    assert b"connection: close" not in received


@pytest.mark.parametrize(
    "sent",
    [
        [head(MOST_SKIPPED + 1), b"a" * MOST_SKIPPED + b"a" + GET],
        [head(10**12), *[b"a" * 100_000] * 30],
        [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n0\r\n\r\n" + GET],
        [head(10)[:-2] + b"Expect: 100-continue\r\n\r\n", GET],
    ],
    ids=["large", "endless", "chunked", "not asked for"],
)
def test_a_large_rest_behind_a_response_ends_the_connection(sent):
    async def main():
        connection = Connection(early)
        await connection.send(*sent)
        assert statuses(connection.received) == [403]
        assert b"connection: close\r\n" in connection.received
        assert connection.transport.eof
        # It takes the rest in for a while, so that the client gets the response, but not for ever.
        assert connection.transport.closed == (sum(map(len, sent[1:])) > lingering.MOST_DISCARDED)
        connection.transport.protocol.connection_lost(None)

    asyncio.run(main())


def test_a_body_that_nobody_reads_is_not_read_on():
    async def test(_gate, connection):
        await connection.send(head(10**9), *[b"a" * 60_000] * 100)
        assert connection.transport.paused
        assert len(connection.protocol.cycle.body) < 150_000

    run(test)


def test_the_body_of_a_request_does_not_count_in_the_head_of_the_next():
    first = post(b"x" * 16_000)
    second = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: %b\r\n" % (b"a" * 24_000) + b"\r\n"
    cuts = (first[:600], first[600:] + second[:100], second[100:12_000], second[12_000:18_500], second[18_500:])
    assert statuses(exchange(echo, *cuts)[0]) == [200, 200]
