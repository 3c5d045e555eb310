"""Requests to this server's own API, without a socket."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.types import Message, Scope

from app.contract.serve.asgi import API, RECEIVED

Header = tuple[bytes, bytes]

# The page sets its own, or acts by the session alone: `Authorization` may be for a proxy in front.
_REPLACED = frozenset(
    {
        b"accept",
        b"authorization",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
        b"x-authentik-csrf",
        b"x-authentik-version",
    }
)


class ApiResponse(NamedTuple):
    """A response of the API.

    :param headers: names in lower case, and values
    :param body: JSON; empty if there is none
    """

    status: int
    headers: Sequence[Header]
    body: bytes

    def all(self, name: bytes) -> list[str]:
        """The values of a header. :param name: in lower case"""
        return [value.decode("latin-1") for key, value in self.headers if key == name]


async def send_request(
    scope: Scope, *, method: str, path: str, query: str, headers: Sequence[Header] = (), body: bytes = b""
) -> ApiResponse:
    """Send a request to the API on behalf of the client of a page.

    :param scope: the request to the page (ASGI): its cookies, address and origin count
    :param path: within the server, decoded
    :param query: encoded
    :param headers: further headers
    """
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    passed = [header for header in scope["headers"] if header[0] not in _REPLACED]
    request = {
        **scope,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [*passed, *headers, (b"content-length", str(len(body)).encode())],
        "extensions": {RECEIVED: {"take": lambda _most: body}},
    }
    await scope[API](request, receive, send)
    start, *rest = messages
    return ApiResponse(start["status"], start["headers"], b"".join(message.get("body", b"") for message in rest))
