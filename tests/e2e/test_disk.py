"""A server whose disk takes no more."""

import http.client
import json
import resource
from urllib.parse import urlsplit

import psutil

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import wait_for


def test_a_disk_that_is_full_for_a_while(start, tmp_path):
    wire, token, process = start(FLOWS_WORKERS="2")
    acknowledged = []

    def create(name):
        body = json.dumps({"name": name, "slug": name, "title": "x" * 10_000, "designation": "recovery"}).encode()
        response = wire.send("POST", FLOWS, bearer(token), body)
        if response.status == 201:
            acknowledged.append(name)
        return response

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
        response = create(f"meanwhile-{number}")
        assert (response.status, response.headers["retry-after"]) == (503, "1")
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


def test_a_log_that_can_not_be_written_is_in_nobodys_way(start):
    """A full disk often has the log too."""
    _, token, process = start()
    (worker,) = wait_for(psutil.Process(process.pid).children, "the start of the worker")
    connection = http.client.HTTPConnection(urlsplit(process.url).netloc, timeout=30)

    def send(method, body=None):
        connection.request(method, FLOWS, body, dict(bearer(token)))
        with connection.getresponse() as response:
            response.read()
        return response.status, connection.sock is not None

    flow = json.dumps({"name": "a", "slug": "a", "title": "a", "designation": "recovery"}).encode()
    unlimited = resource.RLIM_INFINITY
    assert send("GET") == (200, True)
    worker.rlimit(psutil.RLIMIT_FSIZE, (process.output.stat().st_size, unlimited))
    for _ in range(100):
        assert send("GET") == (200, True)
        assert send("POST", flow) == (503, True)
    assert "Traceback" not in process.output.read_text()
    worker.rlimit(psutil.RLIMIT_FSIZE, (unlimited, unlimited))
    assert send("POST", flow) == (201, True)
    created = '"operation":"flows_instances_create","method":"POST","path":"/api/v3/flows/instances/","status":201'
    wait_for(lambda: created in process.output.read_text(), "a line of the log")
    connection.close()
