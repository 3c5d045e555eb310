"""The metrics of several processes."""

import signal

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import wait_for

LABELS = ("operation", "method", "status", "rule")


def samples(wire, name):
    text = wire.send("GET", "/-/metrics/", [("Authorization", "Bearer secret")]).body.decode()
    (family,) = (family for family in text_string_to_metric_families(text) if family.name == name)
    return {
        tuple(sample.labels[label] for label in LABELS if label in sample.labels): sample.value
        for sample in family.samples
    }


def test_workers_count_together_and_lose_nothing_when_one_is_killed(start):
    wire, token, process = start(FLOWS_WORKERS="2", FLOWS_METRICS_TOKEN="secret")
    listed = ("flows_instances_list", "GET", "200")

    def send(number):
        for _ in range(number):
            assert wire.send("GET", FLOWS, bearer(token)).status == 200

    def workers():
        return {child.pid for child in psutil.Process(process.pid).children()}

    wait_for(lambda: samples(wire, "flows_workers") == {(): 2}, "the start of both workers")

    def counted(number):
        # A request is counted when its response has left.
        wait_for(lambda: samples(wire, "flows_requests")[listed] == number, f"the count of {number} requests")

    send(40)
    counted(40)
    for _ in range(10):
        # Whichever worker is asked.
        assert samples(wire, "flows_requests")[listed] == 40
    for signal_ in (signal.SIGKILL, signal.SIGTERM):
        before = workers()
        psutil.Process(min(before)).send_signal(signal_)
        wait_for(lambda before=before: len(workers() - before) == 1 and len(workers()) == 2, "the worker's successor")
        wait_for(lambda: samples(wire, "flows_workers") == {(): 2}, "the successor's start")
        assert samples(wire, "flows_requests")[listed] == 40
    send(40)
    counted(80)
    process.send_signal(signal.SIGHUP)
    before = workers()
    wait_for(lambda: len(workers()) == 2 and not workers() & before, "the new workers")
    wait_for(lambda: samples(wire, "flows_workers") == {(): 2}, "the end of the old workers")
    send(40)
    counted(120)
    assert samples(wire, "flows_requests_in_progress") == {(): 0}
    assert 1 <= samples(wire, "flows_database_connections")[()] <= 10


def test_nobody_reads_them_without_the_token(start):
    wire, token, _ = start(FLOWS_METRICS_TOKEN="secret")
    assert wire.send("GET", "/-/metrics/", bearer(token)).status == 401
    assert wire.send("GET", "/-/metrics/").status == 401
    assert wire.send("GET", "/-/metrics/", bearer("secret")).status == 200
