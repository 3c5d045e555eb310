"""Threads that requests are carried out on."""

import asyncio
import threading

import pytest

from app.contract.serve import threads as workers
from app.contract.serve.threads import Workers
from app.errors import Unavailable
from app.execution import WouldBlock


def test_calls_are_carried_out_on_prepared_threads():
    prepared, ready = set(), threading.Barrier(3)

    def prepare():
        prepared.add(threading.current_thread())

    def meet(number):
        ready.wait(10)
        return number, threading.current_thread()

    async def main():
        workers = Workers(3, prepare)
        found = await asyncio.gather(*(workers.run(meet, number) for number in range(3)))
        workers.stop()
        return found

    found = asyncio.run(main())
    assert [number for number, _ in found] == [0, 1, 2]
    assert {thread for _, thread in found} == prepared
    assert not any(thread.is_alive() for thread in prepared)


def test_an_error_comes_back_and_the_thread_goes_on():
    async def main():
        workers = Workers(1, lambda: None)
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 1, 0)
        assert await workers.run(divmod, 7, 2) == (3, 1)
        workers.stop()

    asyncio.run(main())


def test_who_left_is_not_answered():
    go = threading.Event()

    async def main():
        workers = Workers(1, lambda: None)
        calls = [workers.run(go.wait, 10), workers.run(divmod, 1, 0)]
        for call in calls:
            call.cancel()
        go.set()
        assert await workers.run(divmod, 7, 2) == (3, 1)
        assert all(call.cancelled() for call in calls)
        workers.stop()

    asyncio.run(main())


def test_threads_that_nobody_asked_are_not_started():
    Workers(2, lambda: pytest.fail("prepared")).stop()


class Lock:
    """What calls wait for. Held from the beginning; `attempts` are those that found it so."""

    def __init__(self):
        self.free = threading.Event()
        self.attempts = []

    def want(self, number):
        """Give the number back, if the lock is free."""
        if not self.free.is_set():
            self.attempts.append(number)
            raise WouldBlock
        return number


async def until(condition):
    """Wait for a condition, without a thread."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not happen")


def test_a_call_that_would_have_to_wait_holds_no_thread():
    lock = Lock()

    async def main():
        workers = Workers(1, lambda: None)
        waiting = [workers.run(lock.want, number) for number in range(20)]
        await until(lambda: len(lock.attempts) >= 20)
        assert await workers.run(divmod, 7, 2) == (3, 1)
        lock.free.set()
        assert await asyncio.gather(*waiting) == [*range(20)]
        workers.stop()

    asyncio.run(main())


def test_calls_that_wait_for_the_same_are_tried_one_at_a_time():
    lock, alone = Lock(), threading.Lock()

    def want(number):
        assert alone.acquire(blocking=False)
        try:
            return lock.want(number)
        finally:
            alone.release()

    async def main():
        workers = Workers(4, lambda: None)
        first = workers.run(want, 0, turn="a")
        await until(lambda: lock.attempts)
        others = [workers.run(want, number, turn="a") for number in range(1, 10)]
        assert await workers.run(divmod, 7, 2, turn="b") == (3, 1)
        await until(lambda: lock.attempts.count(0) > 1)
        lock.free.set()
        assert await asyncio.gather(first, *others) == [*range(10)]
        workers.stop()

    asyncio.run(main())


def test_calls_that_wait_are_tried_on_half_of_the_threads():
    entered, go = [], threading.Event()

    def want(number):
        entered.append(number)
        if entered.count(number) == 1:
            raise WouldBlock
        go.wait(10)

    async def main():
        workers = Workers(4, lambda: None)
        waiting = [workers.run(want, number) for number in range(8)]
        await until(lambda: len(entered) == 10)
        # Two of four are left for others.
        found = [workers.run(divmod, 7, 2) for _ in range(20)]
        assert await asyncio.gather(*found) == [(3, 1)] * 20
        assert len(entered) == 10
        go.set()
        await asyncio.gather(*waiting)
        workers.stop()

    asyncio.run(main())


def test_a_call_that_waits_for_too_long_is_told(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    lock = Lock()

    async def main():
        pool = Workers(2, lambda: None)
        waiting = [pool.run(lock.want, number, turn="a") for number in range(12)]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(error) for error in found} == {Unavailable}
        lock.free.set()
        assert await pool.run(lock.want, 1, turn="a") == 1
        pool.stop()

    asyncio.run(main())


def test_who_left_waits_no_more():
    lock = Lock()

    async def main():
        workers = Workers(2, lambda: None)
        waiting = workers.run(lock.want, 1, turn="a")
        await until(lambda: lock.attempts)
        waiting.cancel()
        # It is tried once more at most before another one is.
        other = workers.run(lock.want, 2, turn="a")
        await until(lambda: lock.attempts.count(2) > 1)
        assert lock.attempts.count(1) <= 2
        other.cancel()
        workers.stop()

    asyncio.run(main())
