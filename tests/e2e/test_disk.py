"""A server whose disk takes no more."""

import json
import resource

import psutil

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import wait_for


def test_a_disk_that_is_full_for_a_while(start, tmp_path):
    wire, token, process = start(FLOWS_WORKERS="2")
    acknowledged = []

    def create(name):
        body = json.dumps({"name": name, "slug": name, "title": "x" * 10_000, "designation": "recovery"}).encode()
        answer = wire.send("POST", FLOWS, bearer(token), body)
        if answer.status == 201:
            acknowledged.append(name)
        return answer

    def workers():
        return psutil.Process(process.pid).children()

    wait_for(lambda: len(workers()) == 2, "the start of both workers")
    while len(acknowledged) < 10:
        assert create(f"before-{len(acknowledged)}").status == 201
    written = (tmp_path / "deep" / "flows.sqlite3-wal").stat().st_size
    unlimited = resource.RLIM_INFINITY
    for worker in workers():
        # No file grows any more: neither the store nor its log.
        worker.rlimit(psutil.RLIMIT_FSIZE, (written, unlimited))
    for number in range(10):
        answer = create(f"meanwhile-{number}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert wire.send("GET", FLOWS, bearer(token)).json()["pagination"]["count"] == 10
    assert wire.send("GET", "/-/health/ready/").status == 200
    for worker in workers():
        worker.rlimit(psutil.RLIMIT_FSIZE, (unlimited, unlimited))
    assert create("after").status == 201
    kept = {flow["slug"] for flow in wire.send("GET", FLOWS, bearer(token)).json()["results"]}
    assert kept == set(acknowledged)
    log = process.output.read_text()
    assert log.count('"event":"database unavailable"') == 10
    assert log.count('"error":"disk I/O error"') == 10
    assert "Traceback" not in log
