"""Thread for long-running requests, apart from the event loop and the threads of other requests."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# How many long-running requests run at once, and how many seconds others wait for one to end.
AT_ONCE, PATIENCE = 1, 10.0


class Busy(Exception):
    """No long-running request ended in time."""


class LongRunning:
    """A thread that serves one request at a time: each takes memory, and processor time from all others."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on the thread. :returns: its result :raises Busy: the thread was not free in time"""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="flows-long")
        called = self._executor.submit(function, *arguments)
        result = asyncio.wrap_future(called)
        try:
            done, _ = await asyncio.wait([result], timeout=PATIENCE)
        except asyncio.CancelledError:
            called.cancel()
            raise
        if not done and called.cancel():
            raise Busy
        return await result

    def stop(self) -> None:
        """End the thread once all queued calls are done. The next call starts another one."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()
