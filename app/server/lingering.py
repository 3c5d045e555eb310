"""Lingering close of a connection whose client may still be sending."""

import asyncio

# Seconds to wait, and bytes to discard meanwhile: as many as curl sends without waiting for `100 Continue`.
LINGER = 2
MOST_DISCARDED = 1024 * 1024


class Lingering(asyncio.Protocol):
    """A connection after its last response. To close it with unread input would reset it, and the response could be lost
    (RFC 9112, section 9.6): so only the server's side is closed, and input is discarded for a while.

    :param transport: the connection, which gets this as its protocol
    :param before: the previous protocol, notified when the connection is lost and when writing pauses or resumes
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
        """Close the connection. A transport would wait for ever for a client that does not read the rest."""
        self._timer.cancel()
        self._transport.close()
        self._timer = self._loop.call_later(LINGER, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Discard input."""
        self._rest -= len(data)
        if self._rest < 0:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the previous protocol."""
        self._timer.cancel()
        self._before.connection_lost(exc)

    def pause_writing(self) -> None:
        """Notify the previous protocol."""
        self._before.pause_writing()

    def resume_writing(self) -> None:
        """Notify the previous protocol."""
        self._before.resume_writing()
