"""Request-response cycles, with an early end of the connection."""

from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# Bytes of a request body that are discarded after an early response, so that the connection stays usable.
MOST_SKIPPED = 64 * 1024


class Exchange(RequestResponseCycle):
    """A request and its response. A response that begins before the request is complete ends the connection, unless the rest of the
    request is small.
    """

    # Bytes of the body received so far.
    received = 0

    # Whether the connection ends with the response, even if the client is still sending.
    ends = False

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
