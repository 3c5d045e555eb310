"""A request and its response."""

from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# Bytes of a body that are discarded behind its response, so that the connection can be used again.
MOST_SKIPPED = 64 * 1024


class Exchange(RequestResponseCycle):
    """A request and its response. The connection ends with a response that is there before its request has come to the end, unless
    the rest is small.
    """

    # Bytes of the body that have come.
    received = 0

    # Whether the connection ends with the response, though the client may still be sending.
    ends = False

    def ends_early(self) -> bool:
        """Whether the connection ends with a response that begins now, before the request has come to its end.

        A client that waits for `100 Continue` may send its body or not (RFC 9110, section 10.1.1): what follows has no meaning.
        """
        self.ends = not self.keep_alive or self.waiting_for_100_continue or self._rest() > MOST_SKIPPED
        return self.ends

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override]  # saves a coroutine
        """Send a message of ASGI."""
        if self.more_body and not self.response_started and self.ends_early():
            return self._send_last(message)
        return super().send(message)

    async def _send_last(self, message: Any) -> None:
        # Uvicorn tells the client, but would close the connection at the end of the response: `Protocol` lets it linger.
        self.keep_alive = False
        await super().send(message)
        self.keep_alive = True

    def _rest(self) -> float:
        """Bytes of the body that are to come; of a chunked one nobody knows."""
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value) - self.received
        return float("inf")
