"""Spans of requests, in this process."""

import threading

import pytest
import structlog
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app import tracing
from app.application import create_app, open_store
from app.tracing import Tracing, tracing_of
from tests.asgi import FLOWS, Client

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced:
    """A client of an application that is traced, and what was sent of that."""

    def __init__(self, settings, contract):
        self._store = open_store(settings, contract)
        self._store.migrate()
        self._store.tokens.add("root", superuser=True, secret="root")
        self._exporter = InMemorySpanExporter()
        self._tracing = Tracing([lambda: self._exporter])
        self.app = create_app(settings, contract=contract, store=self._store, tracing=self._tracing)
        self._tracing.start()
        self.send = Client(self.app, "root")

    def spans(self):
        """All spans. Ends the application."""
        self._tracing.stop()
        self._store.close()
        return self._exporter.get_finished_spans()


@pytest.fixture
def traced(settings, contract):
    return Traced(settings, contract)


def test_a_request_is_a_span_with_the_conventions_of_http(traced, make_flow):
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}
    response = traced.send.post(FLOWS, make_flow(slug="a"), headers=headers)
    assert response.status == 201
    (span,) = traced.spans()
    assert (span.name, span.kind) == ("POST /api/v3/flows/instances/", SpanKind.SERVER)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/api/v3/flows/instances/",
        "http.response.status_code": 201,
        "url.path": FLOWS,
        "url.scheme": "http",
        "flows.operation": "flows_instances_create",
        "flows.version": "2024.8",
        "flows.request_id": response.headers["x-authentik-id"],
    }
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.parent.is_remote
    assert dict(span.context.trace_state) == {"a": "b"}
    assert span.status.status_code is StatusCode.UNSET
    assert 0 < span.end_time - span.start_time < 20e9
    assert span.resource.attributes["service.name"] == "flows"
    assert span.resource.attributes["service.version"]


def test_the_route_is_the_path_of_the_contract(traced):
    assert traced.send.get("/api/v3//flows/instances/some-flow/").status == 404
    assert traced.send("PURGE", f"{FLOWS}some-flow/").status == 405
    assert traced.send("HEAD", FLOWS).status == 200
    assert traced.send.get("/-/health/live/").status == 200
    one, other, head = traced.spans()
    assert one.name == "GET /api/v3/flows/instances/{slug}/"
    assert one.attributes["url.path"] == "/api/v3/flows/instances/some-flow/"
    assert other.name == "HTTP /api/v3/flows/instances/{slug}/"
    assert other.attributes["http.request.method"] == "_OTHER"
    assert "flows.operation" not in other.attributes
    assert (head.name, head.attributes["flows.operation"]) == (f"HEAD {FLOWS}", "flows_instances_list")


def test_a_refusal_names_its_rule_and_only_a_fault_of_the_server_is_an_error(traced, monkeypatch):
    assert traced.send.post(FLOWS, {}).status == 400
    monkeypatch.setattr(traced._store.flows, "page", None)
    assert traced.send.get(FLOWS).status == 500
    rejected, failed = traced.spans()
    assert rejected.attributes["flows.rule"] == "required"
    assert "error.type" not in rejected.attributes
    assert rejected.status.status_code is StatusCode.UNSET
    assert failed.attributes["error.type"] == "500"
    assert failed.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "nonsense"},
        {"traceparent": f"00-{'0' * 32}-{PARENT}-01"},
        {"traceparent": f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01"},
        {"traceparent": "\xff" * 55, "tracestate": "=" * 9000, "baggage": ",;=" * 4000},
        {"traceparent": "0" * 9000, "baggage": ",;=" * 1000},
    ],
)
def test_a_parent_that_is_none_is_ignored(traced, headers, caplog):
    assert traced.send.get(FLOWS, headers=headers).status == 200
    (span,) = traced.spans()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE
    # Whoever sends nonsense could fill the disk.
    assert caplog.records == []


def test_what_the_caller_does_not_sample_is_not_sent(traced):
    assert traced.send.get(FLOWS, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"}).status == 200
    assert traced.spans() == ()


def test_the_standard_variables_name_the_service(settings, contract, monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=ours,deployment.environment.name=test")
    traced = Traced(settings, contract)
    assert traced.send.get(FLOWS).status == 200
    (span,) = traced.spans()
    assert span.resource.attributes["service.name"] == "ours"
    assert span.resource.attributes["deployment.environment.name"] == "test"


def test_a_receiver_that_does_not_answer_is_not_waited_for(monkeypatch):
    never = threading.Event()

    class Deaf(SpanExporter):
        def export(self, _spans):
            never.wait(60)
            return SpanExportResult.FAILURE

    monkeypatch.setattr(tracing, "_PATIENCE", 0.1)
    made = Tracing([Deaf])
    made.start()
    made._tracer.start_span("a").end()
    made.stop()
    assert not never.is_set()
    never.set()


def test_what_can_not_be_started_is_told_of_and_nothing_else(settings, contract):
    made = Tracing([lambda: 1 / 0])
    with structlog.testing.capture_logs() as log:
        made.start()
    assert [line["event"] for line in log] == ["no traces"]
    store = open_store(settings, contract)
    store.migrate()
    app = create_app(settings, contract=contract, store=store, tracing=made)
    assert Client(app)("GET", FLOWS).status == 403
    made.stop()
    store.close()


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "ours"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_standard_variables_turn_it_on(environment, on):
    assert (tracing_of(environment) is not None) == on


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_TRACES_EXPORTER": "nobodys"}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "nobodys"}],
)
def test_an_exporter_that_is_not_installed_is_named(environment):
    with pytest.raises(tracing.NoTraces, match="the exporter nobodys is not installed"):
        tracing_of(environment)
