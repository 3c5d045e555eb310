"""Threads that requests are carried out on, so that waiting for a database on the network does not hold the event loop up.

A plain queue and one callback per answer: `loop.run_in_executor` chains two futures per request, which costs several times as much.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Workers:
    """Some threads and what waits for them.

    :param count: how many threads
    :param prepare: is called in each of them first
    """

    def __init__(self, count: int, prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"flows-{n}", daemon=True) for n in range(count)]
        self._started = False

    def run(self, function: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
        """Call a function on one of the threads. Called on the thread of a running event loop.

        :returns: what becomes of the call
        """
        if not self._started:
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.put((loop, future, function, arguments))
        return future

    def stop(self) -> None:
        """End the threads, once all that waits is done."""
        if self._started:
            for _ in self._threads:
                self._waiting.put(None)
            for thread in self._threads:
                thread.join()

    def _start(self) -> None:
        # At the first call: a server may fork in between, and threads do not come along.
        self._started = True
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        self._prepare()
        while (job := self._waiting.get()) is not None:
            loop, future, function, arguments = job
            try:
                result = function(*arguments)
            except BaseException as error:
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_succeed, future, result)


def _succeed(future: "asyncio.Future[Any]", result: Any) -> None:
    # Who asked may have left meanwhile.
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
