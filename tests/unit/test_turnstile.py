"""Turns of those who write to one embedded database."""

import subprocess
import sys
import threading

import pytest

from app.store.engine.sqlite.write_queue import WriteQueue

NEIGHBOUR = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def write_queue():
    write_queue = WriteQueue()
    write_queue.share()
    return write_queue


@pytest.fixture
def neighbour(write_queue):
    """Another process, which waits at the turnstile."""
    number = write_queue._file
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR, str(number)], pass_fds=[number], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_one_thread_is_next_at_a_time(write_queue):
    assert not write_queue.is_taken()
    assert write_queue.enter()
    seen = []
    thread = threading.Thread(target=lambda: seen.extend((write_queue.is_taken(), write_queue.enter())))
    thread.start()
    thread.join()
    assert seen == [True, False]
    write_queue.leave()
    assert not write_queue.is_taken()


def test_one_process_is_next_at_a_time_and_its_end_clears_the_place(write_queue, neighbour):
    assert write_queue.is_taken()
    assert not write_queue.enter()
    with write_queue.entered():
        assert write_queue.is_taken()
    neighbour.kill()
    neighbour.wait()
    assert write_queue.enter()
    write_queue.leave()
