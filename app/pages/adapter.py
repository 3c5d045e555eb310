"""An adapter from ASGI to WSGI. A thread creates a complete response and the event loop sends it, so that no thread waits for a
slow client.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple, ParamSpec, TypeVar

from a2wsgi.wsgi import build_environ
from starlette.types import Scope, Send

Environ = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# The number of threads that create responses; started on demand.
THREADS = 4

# The size of a chunk in bytes, which bounds the buffer for a slow client.
_PIECE = 16 * 1024

# The maximum total size of distinct bodies being sent, in bytes, so that slow clients can't exhaust the memory: a body is kept once
# for any number of clients, and no page exceeds 2 MB.
MOST_SENT = 32 * 1024 * 1024


class _Response(NamedTuple):
    """A complete response.

    :param headers: names in lower case, and values
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_BUSY = _Response(503, [(b"content-length", b"0"), (b"retry-after", b"1")], b"")


class Adapter:
    """An ASGI server for a WSGI application that reads no request bodies.

    :param app: the application
    """

    def __init__(self, app: WSGIApp) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flows-pages")
        self._sent = _Bodies()

    async def respond(self, scope: Scope, send: Send, known: Environ) -> None:
        """Respond to an ASGI request on a thread.

        :param known: additional entries of the WSGI environment
        """
        environ = {**_environ(scope), **known}
        await self._send(send, await asyncio.get_running_loop().run_in_executor(self._threads, self._response, environ))

    async def on_thread(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """The result of a function that takes too long for the event loop."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(function, *arguments, **keywords)
        )

    async def respond_here(self, scope: Scope, send: Send, known: Environ) -> None:
        """Same as `respond`, on the event loop's own thread, which must not take long."""
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
        shared = self._sent.begin(body)
        return _Response(*begun[0], shared) if shared is not None else _BUSY

    async def _send(self, send: Send, response: _Response) -> None:
        body = response.body
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            for start in range(0, len(body), _PIECE):
                await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._sent.end(body)


class _Bodies:
    """The bodies that are being sent. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._bodies: dict[bytes, tuple[bytes, int]] = {}

    def begin(self, body: bytes) -> bytes | None:
        """Register a body to send. :returns: an equal body, shared with other responses; None if the maximum is reached"""
        # The hash is cached in the body: computed before the lock, and not on the event loop.
        hash(body)
        with self._lock:
            kept, number = self._bodies.get(body, (body, 0))
            if not number and body:
                if self._size and self._size + len(body) > MOST_SENT:
                    return None
                self._size += len(body)
            self._bodies[kept] = kept, number + 1
            return kept

    def end(self, body: bytes) -> None:
        """Release a body that was sent."""
        with self._lock:
            kept, number = self._bodies.get(body, (body, 0))
            if number > 1:
                self._bodies[kept] = kept, number - 1
            elif number:
                del self._bodies[kept]
                self._size -= len(body)


def _environ(scope: Scope) -> Environ:
    # The path of ASGI begins with the root path, the one within this server does not.
    environ: Environ = build_environ({**scope, "path": scope.get("root_path", "") + scope["path"]}, BytesIO())
    return environ
