"""The parent replaces a worker whose event loop is stuck, and no other."""

import itertools
import os
import time
from pathlib import Path

import psutil
import pytest

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import runs, wait_for

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="a worker's sign of life is seen in /proc only"
)

TIMEOUT = 30


def workers(process):
    return {one for one in psutil.Process(process.pid).children() if runs(one)}


def sign_of_life(worker):
    """The file whose time a worker sets to that of the monotonic clock (gunicorn, `WorkerTmp`)."""
    handles = Path(f"/proc/{worker.pid}/fd").iterdir()
    return next(handle for handle in handles if "/wgunicorn-" in str(handle.readlink()))


@pytest.fixture
def served(start):
    """A server with two workers, which have told of themselves."""
    wire, token, process = start(FLOWS_WORKERS="2", FLOWS_LOG_LEVEL="warning")
    both = wait_for(lambda: len(found := workers(process)) == 2 and found, "the start of the workers")
    for worker in both:
        wait_for(lambda worker=worker: sign_of_life(worker).stat().st_mtime <= time.monotonic(), "a sign of life")
    return wire, token, process, both


@pytest.mark.alone(reason="the time between two signs of life has a bound")
def test_an_event_loop_tells_of_itself_each_second_however_many_requests_it_serves(served):
    wire, token, _, both = served
    seen = {worker: {sign_of_life(worker).stat().st_mtime} for worker in both}

    def seen_again():
        assert wire.send("GET", FLOWS, bearer(token)).status == 200
        for worker, moments in seen.items():
            moments.add(sign_of_life(worker).stat().st_mtime)
        return all(len(moments) >= 4 for moments in seen.values())

    wait_for(seen_again, "three more signs of life")
    for moments in map(sorted, seen.values()):
        assert all(0.5 < later - earlier < TIMEOUT / 4 for earlier, later in itertools.pairwise(moments))


def test_a_worker_that_is_stuck_is_replaced_and_no_other(served):
    wire, token, process, (stuck, other) = served
    stuck.suspend()
    # As if it had been for so long.
    long_ago = time.monotonic() - TIMEOUT - 1
    os.utime(sign_of_life(stuck), (long_ago, long_ago))
    wait_for(lambda: stuck not in workers(process) and len(workers(process)) == 2, "another worker")
    assert other in workers(process)
    assert process.output.read_text().count("WORKER TIMEOUT") == 1
    assert wire.send("GET", FLOWS, bearer(token)).status == 200
