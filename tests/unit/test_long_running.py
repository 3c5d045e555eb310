"""The thread for requests that may take seconds."""

import asyncio
import threading

import pytest

from app.contract.serve.long_running import Busy, LongRunning


def test_long_running_calls_take_turns_and_wait_only_so_long(monkeypatch):
    threads = LongRunning()
    goes_on = threading.Event()

    async def called():
        first = asyncio.ensure_future(threads.run(goes_on.wait, 10))
        # It begins.
        await asyncio.sleep(0)
        with monkeypatch.context() as hurried:
            hurried.setattr("app.contract.serve.long_running.PATIENCE", 0.01)
            with pytest.raises(Busy):
                await threads.run(pytest.fail, "called")
        goes_on.set()
        assert await first
        assert await threads.run(threading.current_thread) is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)

    asyncio.run(called())
    threads.stop()


def test_a_call_after_the_end_of_the_thread_starts_another_one():
    threads = LongRunning()
    for number in range(2):
        assert asyncio.run(threads.run(divmod, number, 1)) == (number, 0)
        threads.stop()
    threads.stop()
