"""Request-response cycles, with an early end of the connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# Bytes of a request body that are discarded after an early response, so that the connection stays usable.
MOST_SKIPPED = 64 * 1024


class MessageEvent:
    """Event like `asyncio.Event`, which is created when it is first waited for: most requests never wait."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None
        self._is_set = False

    def set(self) -> None:
        """Resume the tasks that wait."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """Let tasks wait again."""
        self._is_set = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        """Wait until the event is set."""
        if not self._is_set:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


class Exchange(RequestResponseCycle):
    """A request and its response. A response that begins before the request is complete ends the connection, unless the rest of the
    request is small.

    :param scope: the ASGI scope
    :param expects_continue: whether the client waits for `100 Continue`
    :param keep_alive: whether the connection stays open
    :param on_response: called when the response is complete
    """

    # Uvicorn's initial state, which costs no time as attributes of the class. The application logs requests itself.
    logger = access_logger = logging.getLogger("uvicorn.error")
    access_log = False
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0

    # Bytes of the body received so far.
    received = 0

    # Whether the connection ends with the response, even if the client is still sending.
    ends = False

    def __init__(
        self,
        scope: HTTPScope,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[tuple[bytes, bytes]],
        expects_continue: bool,
        keep_alive: bool,
        on_response: Callable[[], None],
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.message_event = cast(asyncio.Event, MessageEvent())
        self.waiting_for_100_continue = expects_continue
        self.keep_alive = keep_alive
        self.on_response = on_response
        self.body = bytearray()

    def ends_early(self) -> bool:
        """Whether a response that begins now, before the request is complete, ends the connection.

        A client that waits for `100 Continue` may send its body or not (RFC 9110, section 10.1.1): the next bytes are ambiguous.
        """
        self.ends = not self.keep_alive or self.waiting_for_100_continue or self._rest() > MOST_SKIPPED
        return self.ends

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override]  # saves a coroutine
        """Send an ASGI message."""
        if self.more_body and not self.response_started and self.ends_early():
            return self._send_last(message)
        return super().send(message)

    async def _send_last(self, message: Any) -> None:
        # Uvicorn sends `Connection: close`, but would also close the connection after the response: `Protocol` lets it linger.
        self.keep_alive = False
        await super().send(message)
        self.keep_alive = True

    def _rest(self) -> float:
        """Bytes of the body still to come; infinity for a chunked body, whose length is unknown."""
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value) - self.received
        return float("inf")
