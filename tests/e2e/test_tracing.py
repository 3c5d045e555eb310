"""Traces that leave the server, by OTLP."""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.serving import free_port, wait_for

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def receiver():
    """A receiver of traces. Gives its URL, and what it got."""
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def without(tmp_path):
    """The variable of a Python in which OpenTelemetry is not installed."""
    package = tmp_path / "shadow" / "opentelemetry"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError(__name__)")
    return {"PYTHONPATH": str(package.parent)}


def attributes_of(found):
    return {one.key: one.value.string_value or one.value.int_value for one in found.attributes}


def lines_of(process):
    """The log of the requests."""
    lines = [json.loads(line) for line in process.output.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def test_each_worker_sends_its_requests_and_the_last_ones_at_its_end(start, receiver):
    url, received = receiver
    # Nothing is sent but at the end.
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    wire, token, process = start(FLOWS_WORKERS="2", **variables)
    parent = ("traceparent", f"00-{TRACE}-{PARENT}-01")
    for _ in range(20):
        assert wire.send("GET", FLOWS, [*bearer(token), parent]).status == 200
    assert received == []
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: received, "the end of a worker")
    for _ in range(20):
        assert wire.send("GET", FLOWS, [*bearer(token), parent]).status == 200
    assert wire.send("DELETE", f"{FLOWS}none/", bearer(token)).status == 404
    process.terminate()
    assert process.wait(30) == 0
    assert {path for path, _ in received} == {"/v1/traces"}
    resources = [resource for _, one in received for resource in one.resource_spans]
    # Those of before the reload, and those of after it.
    assert 2 <= len(resources) <= 4
    assert {attributes_of(one.resource)["service.name"] for one in resources} == {"flows"}
    spans = [span for one in resources for scope in one.scope_spans for span in scope.spans]
    listed = [span for span in spans if span.name == f"GET {FLOWS}"]
    assert len(spans) == 41
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in listed} == {(TRACE, PARENT)}
    assert {attributes_of(span)["http.response.status_code"] for span in listed} == {200}
    (other,) = (span for span in spans if span not in listed)
    assert other.name == "DELETE /api/v3/flows/instances/{slug}/"
    assert other.parent_span_id == b""
    logged = {(line["id"], line["trace_id"]) for line in lines_of(process)}
    assert logged == {(attributes_of(span)["flows.request_id"], span.trace_id.hex()) for span in spans}


def test_the_development_server_sends_too(start, receiver):
    url, received = receiver
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "10"}
    wire, token, _ = start("dev", **variables)
    wait_for(lambda: _responses(wire, token), "the start")
    wait_for(lambda: received, "a span")


def test_a_receiver_that_is_not_there_changes_nothing(start):
    wire, token, process = start(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}", OTEL_EXPORTER_OTLP_TIMEOUT="1"
    )
    assert wire.send("GET", FLOWS, bearer(token)).status == 200
    process.terminate()
    assert process.wait(20) == 0


def test_without_the_packages_it_serves_and_says_what_to_install(start, run, without):
    asked = {"OTEL_TRACES_EXPORTER": "otlp", **without}
    wire, token, process = start(**asked)
    assert wire.send("GET", FLOWS, bearer(token)).status == 200
    told = "flows: Traces are asked for, and OpenTelemetry is not installed. Requests are served without. "
    assert f"{told}pip install 'flows-server[opentelemetry]'\n" in process.output.read_text()
    examined = run("doctor", **asked)
    assert examined.returncode == 0
    assert "warn" in next(line for line in examined.stdout.splitlines() if "traces" in line)
    assert "pip install 'flows-server[opentelemetry]'" in examined.stdout


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc"}, {"OTEL_PROPAGATORS": "abc"}, {"OTEL_TRACES_EXPORTER": "abc"}],
)
def test_a_variable_that_can_not_be_used_is_named_and_no_failure(run, variables):
    examined = run("doctor", **{"OTEL_TRACES_EXPORTER": "otlp"} | variables)
    assert examined.returncode == 0
    line = next(line for line in examined.stdout.splitlines() if "traces" in line)
    assert "warn" in line
    assert "abc" in line


def test_nobody_looks_for_the_packages_if_nothing_is_asked_for(start, run, without):
    wire, token, process = start(**without)
    assert wire.send("GET", FLOWS, bearer(token)).status == 200
    assert "races" not in process.output.read_text()
    (line,) = wait_for(lambda: lines_of(process), "the line of the request")
    assert line["trace_id"] is None
    assert "traces" not in run("doctor", **without).stdout


def _responses(wire, token):
    try:
        return wire.send("GET", FLOWS, bearer(token)).status == 200
    except OSError:
        return False
