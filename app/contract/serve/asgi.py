"""ASGI, with two extensions that save time: a body read at once, and a response sent in one piece."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Protocol

from starlette.types import Receive, Send

from app.contract.compile.plan import PathPlan
from app.contract.response.responses import Header, Response, lines
from app.contract.serve.request import Request

WHOLE = "flows.whole"
"""The extension by which a server offers to `send` a response in one piece. Code that inspects messages removes it."""

RECEIVED = "flows.received"
"""The extension by which a server offers to `take` a body that came with its head, without an iteration of the event loop."""

API = "flows.api"
"""The key in the scope of the application that serves the API, for pages that are clients of it."""

CONTRACT = "flows.contract"
"""The key in the scope of the contract of a version that the request names. Pages show the active one without it."""

TakeBody = Callable[[int], bytes | None]
"""Takes the whole body, if it has arrived and is not larger than so many bytes; None otherwise."""

SendWhole = Callable[[int, bytes, bytes], bool]
"""Sends a response: its status, its encoded headers, its body. :returns: whether it did"""

BEGIN = "flows.begin"
"""The key in the lifespan's state of an entry that begins a request without a task. An application that has to be called for
each request removes it."""

Begin = Callable[[Any, Any, Any], Awaitable[None] | None]
"""Serves a request, given as to an ASGI application, until something has to be awaited. :returns: the rest, for a task or as
`Committing`; None if nothing is left"""


Resume = Callable[[asyncio.Future[None]], Awaitable[None] | None]
"""Serves the rest of a request after its commit. :returns: what is left then; None if the response has been sent"""


class Committing:
    """The rest of a request whose response waits for a commit. A server can wait by a callback, which takes less time than a task.

    :param commit: the commit
    :param resume: called with the commit when it is done
    """

    __slots__ = ("commit", "resume")

    def __init__(self, commit: asyncio.Future[None], resume: Resume) -> None:
        self.commit = commit
        self.resume = resume

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        await asyncio.wait([self.commit])
        rest = self.resume(self.commit)
        if rest is not None:
            await rest


class Disconnected(Exception):
    """The client disconnected before its request was complete."""


def headers_of(
    headers: list[Header],
) -> tuple[str | None, str | None, str | None, str, int, bytes | None, bytes | None]:
    """The headers that are read for each request.

    Repeated ones: `Accept` and `Authorization` are joined by a comma (RFC 9110, section 5.3), `Cookie` by a semicolon; of others
    the last counts.

    :returns: `Accept`, `Authorization` and `Cookie`, None if missing; `Content-Type`, empty if missing; the length of the body, in
        bytes; `X-Authentik-Version` and `User-Agent`, encoded, None if missing
    """
    accept = authorization = cookies = None
    version: bytes | None = None
    agent: bytes | None = None
    content_type, length = "", 0
    for name, value in headers:
        if name == b"accept":
            text = value.decode("latin-1")
            accept = text if accept is None else f"{accept},{text}"
        elif name == b"authorization":
            text = value.decode("latin-1")
            authorization = text if authorization is None else f"{authorization},{text}"
        elif name == b"cookie":
            # HTTP/2 splits it (RFC 9113, section 8.2.3).
            text = value.decode("latin-1")
            cookies = text if cookies is None else f"{cookies}; {text}"
        elif name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"user-agent":
            agent = value
        elif name == b"x-authentik-version":
            version = value
    return accept, authorization, cookies, content_type, length, version, agent


class Holder(Protocol):
    """The holder of a body. :param held: bytes of it that count towards `Room`"""

    held: int


class Room:
    """Memory limit for the request bodies of this process.

    Bytes count as they arrive. An announced length does not count: otherwise clients could announce much, send little, and so
    block all others.

    :param size: in bytes
    """

    def __init__(self, size: int = 64 * 1024 * 1024) -> None:
        self._left = size

    def has(self, size: int) -> bool:
        """Whether a number of bytes fits."""
        return size <= self._left

    def take(self, request: Holder, size: int) -> None:
        """Add bytes received for a request. :raises NoRoom: they do not fit"""
        if size > self._left:
            raise NoRoom
        self._left -= size
        request.held += size

    def give_back(self, request: Holder) -> None:
        """Release the bytes counted for a request."""
        self._left += request.held
        request.held = 0


class NoRoom(Exception):
    """A body does not fit into the memory for bodies."""


def received(scope: Mapping[str, Any], most: int) -> bytes | None:
    """The body that the server has already received; None if it exceeds `most` bytes, is incomplete, or of unknown length."""
    extension: Mapping[str, TakeBody] | None = scope.get("extensions", {}).get(RECEIVED)
    return extension["take"](most) if extension is not None else None


async def read_body(receive: Receive, length: int, limit: int, count: Callable[[int], None]) -> bytes | None:
    """Read the whole body; None if it is larger than the limit.

    :param length: the announced length of the body, in bytes
    :param limit: the largest body, in bytes
    :param count: gets the number of bytes that are kept, as they arrive
    :raises Disconnected: the client disconnected before the body was complete
    """
    if length > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        count(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def sent_whole(response: Response, path: PathPlan, request: Request) -> bytes | None:
    """Send a JSON response without headers of its own in one piece, if the server supports it (`Protocol`).

    :returns: the headers that were sent; None if nothing was sent
    """
    whole: Mapping[str, SendWhole] | None = request.scope.get("extensions", {}).get(WHOLE)
    if (
        whole is None
        or response.headers
        or response.media_type is not None
        or not response.body
        or request.method == "HEAD"
    ):
        return None
    head = b"%bcontent-length: %d\r\nx-authentik-id: %b\r\n" % (path.lines, len(response.body), request.id.encode())
    return head if whole["send"](response.status, head, response.body) else None


async def send_response(send: Send, response: Response, path: PathPlan, request: Request) -> bytes:
    """Send a response as two ASGI messages. :returns: the headers that were sent"""
    headers = _headers(response, path, request.id)
    body = b"" if request.method == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return lines(headers)


def _headers(response: Response, path: PathPlan, request_id: str) -> tuple[Header, ...]:
    """All headers of a response."""
    own: tuple[Header, ...] = (*response.headers, (b"x-authentik-id", request_id.encode()))
    if response.media_type is not None:
        length = str(len(response.body)).encode()
        return ((b"content-type", response.media_type), *path.bare_headers, (b"content-length", length), *own)
    if response.body:
        return (*path.headers, (b"content-length", str(len(response.body)).encode()), *own)
    return (*path.bare_headers, *own)
