"""A WSGI application on an event loop. A response is made whole on a thread and sent from the loop, so that no thread waits for a
client that reads slowly.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, NamedTuple

from a2wsgi.wsgi import build_environ

Scope = MutableMapping[str, Any]
Environ = dict[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# Threads that make responses. They are begun when they are needed.
THREADS = 10

# Bytes that are sent at once: what lies ready for a client that reads slowly.
_PIECE = 64 * 1024

# Bytes of different bodies that are being sent at most, so that strangers who read slowly can't fill the memory: a body is kept
# once, however many clients it is sent to, and none of the pages has more than 2 MB.
MOST_SENT = 32 * 1024 * 1024


class _Response(NamedTuple):
    """A response that is complete.

    :param headers: names in small letters, values
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_BUSY = _Response(503, [(b"content-length", b"0"), (b"retry-after", b"1")], b"")


class Adapter:
    """Serves a WSGI application that reads no bodies.

    :param app: the application
    """

    def __init__(self, app: WSGIApp) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flows-pages")
        self._sent = _Bodies()

    async def respond(self, scope: Scope, send: Send) -> None:
        """Answer a request, on a thread (ASGI)."""
        environ = _environ(scope)
        await self._send(send, await asyncio.get_running_loop().run_in_executor(self._threads, self._response, environ))

    async def respond_here(self, scope: Scope, send: Send, known: Environ) -> None:
        """Answer a request on the event loop's own thread, which must not take long.

        :param known: what the application finds in its environment
        """
        await self._send(send, self._response({**_environ(scope), **known}))

    def _response(self, environ: Environ) -> _Response:
        begun: list[tuple[int, list[tuple[bytes, bytes]]]] = []

        def start_response(status: str, headers: Iterable[tuple[str, str]], _error: object = None) -> None:
            lines = [
                (name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers
            ]
            begun[:] = [(int(status.split(" ", 1)[0]), lines)]

        pieces = self._app(environ, start_response)
        try:
            body = b"".join(pieces)
        finally:
            if (close := getattr(pieces, "close", None)) is not None:
                close()
        # It is remembered with the body, and need not be computed on the event loop's thread.
        hash(body)
        return _Response(*begun[0], body)

    async def _send(self, send: Send, response: _Response) -> None:
        body = self._sent.begin(response.body)
        if body is None:
            response, body = _BUSY, self._sent.begin(b"") or b""
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            for start in range(0, len(body), _PIECE):
                await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._sent.end(body)


class _Bodies:
    """The bodies that are being sent."""

    def __init__(self) -> None:
        self._size = 0
        self._bodies: dict[bytes, tuple[bytes, int]] = {}

    def begin(self, body: bytes) -> bytes | None:
        """Send a body. :returns: the same one, which may be sent already; None if there is no room for it"""
        kept, number = self._bodies.get(body, (body, 0))
        if not number:
            if self._size and self._size + len(body) > MOST_SENT:
                return None
            self._size += len(body)
        self._bodies[kept] = kept, number + 1
        return kept

    def end(self, body: bytes) -> None:
        """A body was sent."""
        kept, number = self._bodies[body]
        if number > 1:
            self._bodies[kept] = kept, number - 1
        else:
            del self._bodies[kept]
            self._size -= len(body)


def _environ(scope: Scope) -> Environ:
    environ: Environ = build_environ(scope, BytesIO())
    return environ
