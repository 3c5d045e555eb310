"""A WSGI application on an event loop."""

import asyncio

import pytest

from app.pages import adapter
from app.pages.adapter import Adapter

SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "headers": []}
CONTENT = bytes(range(256)) * 1000


class Pages:
    """An application whose responses are closed."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.closed = 0

    def __call__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Known", str(environ.get("known")))])
        return self

    def __iter__(self):
        # A body of its own each time.
        return iter([bytes(bytearray(piece)) for piece in self.pieces])

    def close(self):
        self.closed += 1


class Client:
    """Takes in what it is sent when it is let."""

    def __init__(self, reads=True):
        self.messages, self.reads = [], asyncio.Event()
        if reads:
            self.reads.set()

    async def send(self, message):
        await self.reads.wait()
        self.messages.append(message)

    @property
    def response(self):
        start, *rest = self.messages
        assert [message.get("more_body", False) for message in rest] == [True] * (len(rest) - 1) + [False]
        return start["status"], dict(start["headers"]), b"".join(message["body"] for message in rest)


def test_a_response_is_sent_as_it_was_made_in_pieces_and_closed():
    pages = Pages(CONTENT, b"", b"end")

    async def run():
        clients = Client(), Client()
        served = Adapter(pages)
        await served.respond(SCOPE, clients[0].send, {})
        await served.respond_here(SCOPE, clients[1].send, {"known": 1})
        return clients

    for client, known in zip(asyncio.run(run()), (b"None", b"1"), strict=True):
        assert client.response == (200, {b"content-type": b"text/plain", b"x-known": known}, CONTENT + b"end")
        assert max(len(message.get("body", b"")) for message in client.messages) <= 64 * 1024
    assert pages.closed == 2


def test_a_body_that_is_sent_to_many_is_kept_once():
    async def run():
        served = Adapter(Pages(CONTENT))
        clients = [Client(reads=False) for _ in range(50)]
        tasks = [asyncio.ensure_future(served.respond_here(SCOPE, client.send, {})) for client in clients]
        await asyncio.sleep(0)
        size = served._sent._size
        for client in clients:
            client.reads.set()
        await asyncio.gather(*tasks)
        return size, served._sent._size, [client.response[2] for client in clients]

    size, at_the_end, bodies = asyncio.run(run())
    assert (size, at_the_end) == (len(CONTENT), 0)
    assert set(bodies) == {CONTENT}


@pytest.mark.parametrize("leaves", [True, False])
def test_what_there_is_no_room_for_is_503_until_others_have_been_sent(monkeypatch, leaves):
    monkeypatch.setattr(adapter, "MOST_SENT", 1.5 * len(CONTENT))

    async def run():
        pages = Pages(CONTENT)
        served, slow, rejected, later = Adapter(pages), Client(reads=False), Client(), Client()
        first = asyncio.ensure_future(served.respond_here(SCOPE, slow.send, {}))
        await asyncio.sleep(0)
        pages.pieces = (CONTENT, b"another")
        await served.respond_here(SCOPE, rejected.send, {})
        if leaves:
            first.cancel()
        else:
            slow.reads.set()
        await asyncio.wait([first])
        await served.respond_here(SCOPE, later.send, {})
        return rejected.response, later.response

    rejected, later = asyncio.run(run())
    assert (rejected[0], rejected[1][b"retry-after"], rejected[2]) == (503, b"1", b"")
    assert (later[0], later[2]) == (200, CONTENT + b"another")
