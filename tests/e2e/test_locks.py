"""A server whose embedded store another program has locked."""

import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.serving import wait_for

WRITERS, READS = 8, 5


@pytest.fixture
def shell(tmp_path):
    """A connection of another program to the store, as of a `sqlite3` shell."""

    def shell():
        return contextlib.closing(
            sqlite3.connect(tmp_path / "deep" / "flows.sqlite3", isolation_level=None, timeout=20)
        )

    return shell


@pytest.mark.parametrize("workers", [1, 2])
def test_all_go_on_but_those_who_write_who_are_served_when_it_is_unlocked(start, shell, workers):
    wire, token, process = start(FLOWS_WORKERS=str(workers), FLOWS_LOG_LEVEL="warning")
    serving = wait_for(lambda: len(found := psutil.Process(process.pid).children()) == workers and found, "the workers")

    def create(number):
        body = json.dumps(FLOW | {"slug": f"flow-{number}"}).encode()
        return wire.send("POST", FLOWS, bearer(token), body).status

    with ThreadPoolExecutor(WRITERS) as pool, shell() as other:
        other.execute("BEGIN IMMEDIATE")
        writes = [pool.submit(create, number) for number in range(WRITERS)]
        for _ in range(READS):
            # Each on a connection of its own, so that each worker gets some.
            assert wire.send("GET", FLOWS, bearer(token)).status == 200
            for path in ("/-/health/live/", "/-/health/ready/", "/-/metrics/"):
                assert wire.send("GET", path).status == 200
        assert not any(write.done() for write in writes)
        other.execute("COMMIT")
        assert [write.result() for write in writes] == [201] * WRITERS
    assert psutil.Process(process.pid).children() == serving
    assert '"level":' not in process.output.read_text()


def test_a_lock_that_lasts_is_503_after_some_seconds(start, shell):
    wire, token, _ = start()
    with shell() as other:
        other.execute("BEGIN IMMEDIATE")
        response = wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode())
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        other.execute("COMMIT")
    assert wire.send("POST", FLOWS, bearer(token), json.dumps(FLOW).encode()).status == 201
