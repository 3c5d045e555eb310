"""Threads that requests are carried out on, so that waiting for a database on the network does not hold the event loop up.

A plain queue and one callback per answer: `loop.run_in_executor` chains two futures per request, which costs several times as much.

No thread waits for a lock of another transaction. A call that would have to raises `WouldBlock` and is tried again after a while,
on at most half of the threads: the others are for other calls.
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

# Seconds that a call is tried again for, and between two attempts. Who holds a lock for longer is stuck, or at work for long.
PATIENCE, _PAUSE = 2.0, 0.1


class Workers:
    """Some threads and what waits for them.

    :param count: how many threads
    :param prepare: is called in each of them first
    """

    def __init__(self, count: int, prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"flows-{n}", daemon=True) for n in range(count)]
        # A server has one event loop; tests have several.
        self._lines: dict[asyncio.AbstractEventLoop, _Line] = {}
        self._started = False

    def run(self, function: Callable[..., Any], *arguments: Any, turn: Hashable = None) -> "asyncio.Future[Any]":
        """Call a function on one of the threads. Called on the thread of a running event loop.

        :param turn: what the call changes, None if that is not known: calls that have to wait for the same are tried one at a time
        :returns: what becomes of the call; it raises `Unavailable` if it would have to wait for too long
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
        """End the threads, once all that waits for one is done."""
        if self._started:
            for _ in self._threads:
                self._queue.put(None)
            for thread in self._threads:
                thread.join()

    def _start(self) -> None:
        # At the first call: a server may fork in between, and threads do not come along.
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

    :param until: how long it is tried again, in seconds of the loop; 0 if it has not had to wait
    """

    line: "_Line"
    future: "asyncio.Future[Any]"
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    turn: Hashable
    until: float = 0.0


class _Line:
    """The calls of an event loop that have to wait, without a thread.

    :param put: has a call carried out on a thread
    :param most: how many of them may be, at once
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, put: Callable[[_Call], None], most: int) -> None:
        self.loop = loop
        self.turns: Counter[Hashable] = Counter()
        """What calls wait for."""
        self._put = put
        self._most = most
        self._held: list[_Call] = []
        # Those that are being tried again.
        self._tried: set[_Call] = set()
        self._timer: asyncio.TimerHandle | None = None

    def end(self, call: _Call, result: Any, error: BaseException | None) -> None:
        """Tell what has become of a call."""
        # Who asked may have left meanwhile.
        if not call.future.done():
            if error is None:
                call.future.set_result(result)
            else:
                call.future.set_exception(error)
        if call.until:
            self._leave(call)
            # What it has waited for is free.
            self._try_again()

    def hold(self, call: _Call) -> None:
        """Let a call wait."""
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
        """Have calls carried out, as far as they may be. What has waited for too long has failed."""
        held, self._held = self._held, []
        turns = {call.turn for call in self._tried if call.turn is not None}
        for call in held:
            if call.future.done():
                self._leave(call)
            elif self.loop.time() >= call.until:
                call.future.set_exception(errors.Unavailable("Somebody else holds a lock for too long."))
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
