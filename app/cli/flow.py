"""Flow control of the requests that wait on a connection."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.flow_control import FlowControl

# What the requests that wait on one connection for their turn may take, in bytes of memory: some 16 small ones.
MOST_WAITING = 32 * 1024

# About what one of them takes beside the bytes that came, and each of its header fields; measured with 1,000.
REQUEST_COST = 2048
FIELD_COST = 160

# Bytes of input that all connections of a worker may hold back. One holds at most what is read at once, about 64 KB, so that more
# than 100 clients may send long pipelines at a time; what strangers can take with many connections ends here.
MOST_HELD = 8 * 1024 * 1024


class PipelineFlow(FlowControl):
    """Flow control that reads nothing on while enough requests wait. What has been read already is held back as it came."""

    # Bytes held back by all connections of this process.
    total: ClassVar[int] = 0

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.is_holding = False
        self._held = b""

    def resume_reading(self) -> None:
        """Read on, unless requests wait: whoever reads a body does not know of them."""
        if self.read_paused and not self.is_holding:
            super().resume_reading()

    def hold(self) -> None:
        """Read nothing on."""
        self.is_holding = True
        self.pause_reading()

    def keep(self, data: bytes) -> bool:
        """Hold input back, behind what is held back already.

        :returns: whether there is room for it
        """
        if PipelineFlow.total + len(data) > MOST_HELD:
            return False
        PipelineFlow.total += len(data)
        self._held += data
        return True

    def release(self) -> bytes:
        """End holding. :returns: the input that was held back"""
        held, self._held = self._held, b""
        PipelineFlow.total -= len(held)
        self.is_holding = False
        return held
