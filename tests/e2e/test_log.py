"""A server whose log is a pipe that nobody reads."""

import http.client
import os
import re
import subprocess
from urllib.parse import urlsplit

import orjson
import psutil
import pytest

from tests.asgi import FLOWS
from tests.commands import FLOWS_COMMAND, ROOT
from tests.serving import runs, wait_for

TOKEN = "a-token-of-the-test-with-its-log"
REQUESTS = 2000


class Served:
    """A server, and the end of a pipe that has its log."""

    def __init__(self, environment, workers):
        self.log, end = os.pipe()
        self.process = subprocess.Popen(
            [FLOWS_COMMAND, "serve"],
            env=environment | {"FLOWS_BOOTSTRAP_TOKEN": TOKEN, "FLOWS_WORKERS": str(workers)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=end,
        )
        os.close(end)
        self.url = re.search(r"http://[\d.:]+", self.process.stdout.readline().decode())[0]
        wait_for(lambda: len(self.workers()) == workers, "the start of the workers")

    def workers(self):
        return [one for one in psutil.Process(self.process.pid).children() if runs(one)]

    def responses(self, number):
        """The statuses of some requests on one connection."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        found = []
        for _ in range(number):
            connection.request("GET", FLOWS, headers={"Authorization": f"Bearer {TOKEN}"})
            with connection.getresponse() as response:
                response.read()
            found.append(response.status)
        connection.close()
        return found

    def read(self, until):
        """Read the log until something stands in it. :returns: its lines"""
        content = b""
        while not re.search(until, content):
            more = os.read(self.log, 65536)
            assert more, content[-1000:]
            content += more
        while not content.endswith(b"\n"):
            content += os.read(self.log, 65536)
        return content.splitlines()


@pytest.fixture
def serve(environment):
    """Starts a server."""
    started = []

    def serve(workers=1):
        started.append(Served(environment, workers))
        return started[-1]

    yield serve
    for served in started:
        served.process.terminate()
        # Its last lines are for nobody.
        os.close(served.log)
        served.process.wait(30)
        served.process.stdout.close()


def test_all_requests_are_answered_and_lines_that_nobody_read_are_counted(serve):
    served = serve()
    assert served.responses(REQUESTS) == [200] * REQUESTS
    (worker,) = served.workers()
    worker.kill()
    (other,) = wait_for(lambda: [one for one in served.workers() if one != worker], "another worker")
    assert served.responses(REQUESTS) == [200] * REQUESTS
    lines = served.read(rb'"log lines dropped"[^\n]*\n')
    # What the one that was killed had not written yet is lost; the parent said that it was killed.
    parsed = [orjson.loads(line) for line in lines if line.startswith(b"{")]
    assert any(b"was sent SIGKILL" in line for line in lines if not line.startswith(b"{"))
    assert all(line.startswith((b"{", b"[")) for line in lines), lines
    requests = [line for line in parsed if line["event"] == "request"]
    dropped = sum(line["lines"] for line in parsed if line["event"] == "log lines dropped")
    assert 0 < dropped < REQUESTS
    assert REQUESTS < len(requests) + dropped <= 2 * REQUESTS
    assert served.workers() == [other]
    assert served.responses(1) == [200]
    assert len(served.read(rb'"event":"request"')) == 1


def test_dropped_lines_are_in_the_metrics(serve):
    served = serve()
    served.responses(REQUESTS)
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=30)
    connection.request("GET", "/-/metrics/")
    with connection.getresponse() as response:
        (number,) = re.findall(r"^flows_log_lines_dropped_total (\d+)", response.read().decode(), re.MULTILINE)
    connection.close()
    assert 0 < int(number) < REQUESTS
    assert any(orjson.loads(line).get("lines") == int(number) for line in served.read(rb'"log lines dropped"[^\n]*\n'))


def test_a_reader_that_has_gone_is_not_missed(serve):
    served = serve(workers=2)
    os.close(served.log)
    served.log = os.open(os.devnull, os.O_RDONLY)
    assert served.responses(100) == [200] * 100
    worker = served.workers()[0]
    worker.kill()
    wait_for(lambda: len([one for one in served.workers() if one != worker]) == 2, "another worker")
    assert served.responses(100) == [200] * 100


def test_the_log_is_written_to_its_end_when_the_server_stops(serve):
    served = serve()
    served.responses(REQUESTS // 4)
    served.process.terminate()
    lines = []
    while more := os.read(served.log, 65536):
        lines.append(more)
    assert b"".join(lines).count(b'"event":"request"') == REQUESTS // 4
