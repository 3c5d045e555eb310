"""Threads that requests are carried out on."""

import asyncio
import threading

import pytest

from app.contract.workers import Workers


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
