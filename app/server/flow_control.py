"""Flow control of pipelined requests."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.flow_control import FlowControl

# Bytes of memory that the queued requests of one connection may take: about 8 small requests.
MOST_WAITING = 16 * 1024

# Approximate memory of a queued request beside its input, and of each of its header fields; measured with 1,000 requests.
REQUEST_COST = 2048
FIELD_COST = 160

# Bytes of unparsed input that all connections of a worker may hold. One holds at most what is read at once, about 64 KB, so that
# more than 100 clients can send long pipelines at a time; this bounds the memory taken by many connections.
MOST_HELD = 8 * 1024 * 1024


class PipelineFlow(FlowControl):
    """Flow control that pauses reading while enough requests are queued, and holds the input that has been read already."""

    # Bytes held by all connections of this process.
    total: ClassVar[int] = 0

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.is_holding = False
        self._held = b""

    def resume_reading(self) -> None:
        """Resume reading, unless requests are queued, which the reader of a body does not know."""
        if self.read_paused and not self.is_holding:
            super().resume_reading()

    def hold(self) -> None:
        """Pause reading."""
        self.is_holding = True
        self.pause_reading()

    def keep(self, data: bytes) -> bool:
        """Hold input, after earlier held input.

        :returns: whether there is room for it
        """
        if PipelineFlow.total + len(data) > MOST_HELD:
            return False
        PipelineFlow.total += len(data)
        self._held += data
        return True

    def release(self) -> bytes:
        """Stop holding input. :returns: the input that was held"""
        held, self._held = self._held, b""
        PipelineFlow.total -= len(held)
        self.is_holding = False
        return held
