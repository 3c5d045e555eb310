"""Thread pool for requests, so that waiting for PostgreSQL does not block the event loop.

A plain queue and one callback per response: `loop.run_in_executor` chains two futures per request, which costs several times as
much.

No thread waits long for a lock of another transaction: the call raises `WouldBlock` and is retried after a while, on at most half
of the threads. The others are for other calls.
"""

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from app import errors
from app.execution import WouldBlock

# Seconds for which a call is retried, and between two attempts. A lock that is held for longer is stuck, or of a long transaction.
PATIENCE, _PAUSE = 2.0, 0.1


class Workers:
    """A thread pool with a queue.

    :param count: how many threads
    :param prepare: called first in each thread
    """

    def __init__(self, count: int, prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"flows-{n}", daemon=True) for n in range(count)]
        # A server has one event loop; tests have several.
        self._lines: dict[asyncio.AbstractEventLoop, _Line] = {}
        self._started = False

    def run(self, function: Callable[..., Any], *arguments: Any, turn: Hashable = None) -> "asyncio.Future[Any]":
        """Call a function on one of the threads. Call this on the thread of a running event loop.

        :param turn: the object that the call changes, None if unknown: waiting calls with the same one are retried one at a time
        :returns: the future result; it raises `Unavailable` if the call would have to wait for too long
        """
        if not self._started:
            self._start()
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = _Line(loop, self._queue.put, max(1, len(self._threads) // 2))
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Call(line, future, function, arguments, turn))
        return future

    def stop(self) -> None:
        """End the threads, once all queued calls are done."""
        if self._started:
            for _ in self._threads:
                self._queue.put(None)
            for thread in self._threads:
                thread.join()

    def _start(self) -> None:
        # Started at the first call: a server may fork before, and threads are not inherited.
        self._started = True
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        self._prepare()
        while (call := self._queue.get()) is not None:
            line = call.line
            tell = line.loop.call_soon_threadsafe
            if not call.until and call.turn in line.turns:
                tell(line.hold, call)
                continue
            try:
                result = call.function(*call.arguments)
            except WouldBlock:
                tell(line.hold, call)
            except BaseException as error:
                tell(line.end, call, None, error)
            else:
                tell(line.end, call, result, None)


@dataclass(slots=True, eq=False)
class _Call:
    """A call of a function on one of the threads.

    :param until: the end of its retries, in seconds of the loop's clock; 0 if it has not had to wait
    """

    line: "_Line"
    future: "asyncio.Future[Any]"
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    turn: Hashable
    until: float = 0.0


class _Line:
    """Waiting calls of an event loop, without threads.

    :param put: queues a call for a thread
    :param most: the maximum number of concurrent retries
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, put: Callable[[_Call], None], most: int) -> None:
        self.loop = loop
        self.turns: Counter[Hashable] = Counter()
        """The number of waiting calls by changed object."""
        self._put = put
        self._most = most
        self._held: list[_Call] = []
        # The calls being retried.
        self._tried: set[_Call] = set()
        self._timer: asyncio.TimerHandle | None = None

    def end(self, call: _Call, result: Any, error: BaseException | None) -> None:
        """Set the result of a call."""
        # The awaiting task may have been cancelled.
        if not call.future.done():
            if error is None:
                call.future.set_result(result)
            else:
                call.future.set_exception(error)
        if call.until:
            self._leave(call)
            # Its lock is free now.
            self._try_again()

    def hold(self, call: _Call) -> None:
        """Make a call wait."""
        self._tried.discard(call)
        if not call.until:
            call.until = self.loop.time() + PATIENCE
            if call.turn is not None:
                self.turns[call.turn] += 1
        self._held.append(call)
        if self._timer is None:
            self._timer = self.loop.call_later(_PAUSE, self._wake_up)

    def _wake_up(self) -> None:
        self._timer = None
        self._try_again()
        if self._held:
            self._timer = self.loop.call_later(_PAUSE, self._wake_up)

    def _try_again(self) -> None:
        """Retry calls as far as the limits permit. Calls that have waited for too long fail."""
        held, self._held = self._held, []
        turns = {call.turn for call in self._tried if call.turn is not None}
        for call in held:
            if call.future.done():
                self._leave(call)
            elif self.loop.time() >= call.until:
                call.future.set_exception(errors.Unavailable("Another transaction holds a lock for too long."))
                self._leave(call)
            elif len(self._tried) < self._most and call.turn not in turns:
                self._tried.add(call)
                if call.turn is not None:
                    turns.add(call.turn)
                self._put(call)
            else:
                self._held.append(call)

    def _leave(self, call: _Call) -> None:
        self._tried.discard(call)
        if call.turn is not None:
            self.turns[call.turn] -= 1
            if not self.turns[call.turn]:
                del self.turns[call.turn]
