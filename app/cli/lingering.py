"""The end of a connection on which the client may still be sending."""

import asyncio

# Seconds for which it may, and bytes that are discarded meanwhile: what curl sends without asking first.
LINGER = 2
MOST_DISCARDED = 1024 * 1024


class Lingering(asyncio.Protocol):
    """A connection that has had its last response. To close it with input unread would reset it, and the response could be lost
    (RFC 9112, section 9.6): so the server's side is closed only, and what comes is discarded for a while.

    :param transport: the connection, which this takes over
    :param before: is told when it is lost, and when the response can be written on
    """

    def __init__(self, transport: asyncio.Transport, before: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._before = before
        self._rest = MOST_DISCARDED
        self._loop = loop
        self._timer = loop.call_later(LINGER, self._close)
        transport.set_protocol(self)
        transport.write_eof()

    def _close(self) -> None:
        """Close the connection. A transport would wait for ever for a client that does not take in what is left."""
        self._timer.cancel()
        self._transport.close()
        self._timer = self._loop.call_later(LINGER, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Discard it."""
        self._rest -= len(data)
        if self._rest < 0:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the protocol before."""
        self._timer.cancel()
        self._before.connection_lost(exc)

    def pause_writing(self) -> None:
        """Tell the protocol before."""
        self._before.pause_writing()

    def resume_writing(self) -> None:
        """Tell the protocol before."""
        self._before.resume_writing()
