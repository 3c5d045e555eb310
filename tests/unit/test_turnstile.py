"""Turns of those who write to one embedded database."""

import subprocess
import sys
import threading

import pytest

from app.store.engine.sqlite.write_queue import Turnstile

NEIGHBOUR = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def turnstile():
    turnstile = Turnstile()
    turnstile.share()
    return turnstile


@pytest.fixture
def neighbour(turnstile):
    """Another process, which waits at the turnstile."""
    number = turnstile._file
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR, str(number)], pass_fds=[number], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_one_thread_is_next_at_a_time(turnstile):
    assert not turnstile.is_taken()
    assert turnstile.enter()
    seen = []
    thread = threading.Thread(target=lambda: seen.extend((turnstile.is_taken(), turnstile.enter())))
    thread.start()
    thread.join()
    assert seen == [True, False]
    turnstile.leave()
    assert not turnstile.is_taken()


def test_one_process_is_next_at_a_time_and_its_end_clears_the_place(turnstile, neighbour):
    assert turnstile.is_taken()
    assert not turnstile.enter()
    with turnstile.entered():
        assert turnstile.is_taken()
    neighbour.kill()
    neighbour.wait()
    assert turnstile.enter()
    turnstile.leave()
