"""Waits for SQLite's write lock with a timer: SQLite itself would sleep in the thread and block the event loop."""

import asyncio
import random
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from app import errors
from app.store.engine.sqlite.write_queue import WriteQueue

# How long a request waits for the lock, in seconds.
PATIENCE = 5.0

# The shortest and the longest wait between two attempts, in seconds. An attempt takes some microseconds.
_SHORTEST, _LONGEST = 0.001, 0.002

# How long a process keeps writing while others wait, in seconds. Switching processes costs more than a small write.
_TURN = 0.02

# How long a process waits for the write queue before it tries without it, in seconds: the process there may be stopped.
_COURTESY = 0.25


def is_locked(error: BaseException) -> bool:
    """Whether an error is SQLITE_BUSY: another connection has locked the database (SQLite, "Result and Error Codes")."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


def runs_event_loop() -> bool:
    """Whether this thread runs an event loop and must not sleep."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def pause(error: errors.Locked, began: float) -> None:
    """Wait before the next attempt to read.

    :param began: the start of the wait, in seconds of the event loop's clock
    :raises Unavailable: the wait has reached its limit
    """
    _limit_waiting(error, began)
    await asyncio.sleep(_delay())


class _Waiter(NamedTuple):
    """A request that waits for the write lock.

    :param until: the deadline, in seconds of the event loop's clock
    :param granted: done when the request can be retried
    """

    until: float
    granted: "asyncio.Future[None]"


class LockQueue:
    """A queue of the requests of one event loop that wait for the write lock. One timer tries for all of them, so that they
    share the transaction, and processes take turns.

    :param take: takes the lock and returns whether it succeeded; raises `Locked` or `sqlite3.Error`
    :param most: the maximum number of requests that get the lock at once
    :param write_queue: the place of the next process
    """

    def __init__(self, take: Callable[[asyncio.AbstractEventLoop], bool], most: int, write_queue: WriteQueue) -> None:
        self._take = take
        self._most = most
        self._write_queue = write_queue
        self._is_next = False
        # When to check for waiting processes, in seconds of the event loop's clock.
        self._turn_ends = 0.0
        self._waiting: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def must_wait(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a request has to wait even for a free lock: others are queued, or it is another process's turn."""
        if self._waiting:
            return True
        now = loop.time()
        if now < self._turn_ends:
            return False
        self._turn_ends = now + _TURN
        return self._write_queue.is_taken()

    async def wait(self, error: errors.Locked, began: float) -> None:
        """Wait for the lock.

        :param began: the start of the wait, in seconds of the event loop's clock
        :raises Unavailable: the wait has reached its limit, or the database does not respond
        """
        _limit_waiting(error, began)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(began + PATIENCE, loop.create_future())
        self._waiting.append(waiter)
        self._go_on(loop)
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            self._go_on(loop)
            raise

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule the next attempt, if requests wait."""
        if self._waiting and self._timer is None:
            self._timer = loop.call_later(_delay(), self._attempt, loop)
        elif not self._waiting:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._leave_write_queue()

    def _leave_write_queue(self) -> None:
        if self._is_next:
            self._write_queue.leave()
            self._is_next = False

    def _attempt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Try to take the lock for the waiting requests; fail those that have waited too long."""
        self._timer = None
        now = loop.time()
        waits_since = self._waiting[0].until - PATIENCE
        self._is_next = self._is_next or self._write_queue.enter()
        try:
            if (self._is_next or now - waits_since > _COURTESY) and self._take(loop):
                self._turn_ends = now + _TURN
                self._leave_write_queue()
                for _ in range(min(self._most, len(self._waiting))):
                    granted = self._waiting.popleft().granted
                    # The client may have disconnected in this iteration of the event loop.
                    if not granted.done():
                        granted.set_result(None)
        except errors.Locked as error:
            self._give_up(str(error), now)
        except sqlite3.Error as error:
            self._give_up(str(error))
        self._go_on(loop)

    def _give_up(self, reason: str, now: float | None = None) -> None:
        """Fail requests whose wait has reached its limit. :param now: in seconds of the event loop's clock; None fails all"""
        for _ in range(len(self._waiting)):
            waiter = self._waiting.popleft()
            if waiter.granted.done():
                continue
            if now is None or waiter.until <= now:
                waiter.granted.set_exception(errors.Unavailable(reason))
            else:
                self._waiting.append(waiter)


def _limit_waiting(error: errors.Locked, began: float) -> None:
    if asyncio.get_running_loop().time() - began >= PATIENCE:
        raise errors.Unavailable(str(error)) from error


def _delay() -> float:
    return random.uniform(_SHORTEST, _LONGEST)  # noqa: S311  # no secret
