"""Traces: a span of each API request, if the standard variables of OpenTelemetry enable them.

A span is created after the response, from its data. So untraced requests cost nothing, and OpenTelemetry is not even imported.
"""

import importlib.metadata
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from app.contract.compile.plan import Plan
from app.contract.response.responses import Header, Response
from app.contract.serve.request import Request

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SERVICE = "flows"
DISTRIBUTION = "flows-server"
INSTALL = f"pip install '{DISTRIBUTION}[opentelemetry]'"

# How long the end of a process waits for its last spans to be exported, in seconds.
_PATIENCE = 5

# OpenTelemetry has one value for all other methods, as clients may send any.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))

_ENTRY_POINTS = "opentelemetry_traces_exporter"
_OTLP = {"": "otlp_proto_http", "http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}

log = structlog.get_logger("flows.tracing")


class NoTraces(Exception):
    """Traces are enabled, but can't be exported.

    :param problem: the missing package, or the error
    :param advice: the remedy
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.advice = advice


class Tracing:
    """Creates and exports spans of requests.

    :param exporters: the classes of the exporters
    """

    def __init__(self, exporters: Iterable[Any]) -> None:
        self._exporters = tuple(exporters)
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        self._extract: Callable[[Mapping[str, list[str]]], Context]

    def start(self) -> None:
        """Start the exporters in this process: they have threads, which do not survive a fork. Never fails."""
        from opentelemetry.propagate import extract
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        version = importlib.metadata.version(DISTRIBUTION)
        try:
            resource = Resource.create({"service.version": version})
            if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
                resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
            provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            for exporter in self._exporters:
                provider.add_span_processor(BatchSpanProcessor(exporter()))
        except Exception:
            # A variable has probably an invalid value; requests are served nevertheless.
            log.exception("no traces")
            return
        self._extract = extract
        self._provider, self._tracer = provider, provider.get_tracer(DISTRIBUTION, version)

    def stop(self) -> None:
        """Export the remaining spans, and stop. The wait for an exporter is limited to some seconds."""
        if self._provider is not None:
            thread = threading.Thread(target=self._provider.shutdown, daemon=True)
            thread.start()
            thread.join(_PATIENCE)

    def record(self, route: str, plan: Plan | None, request: Request, response: Response, seconds: float) -> str | None:
        """Create a span of a completed request. Its parent is the caller's span, if the request names one.

        :param route: the path of the contract, with its prefix
        :param seconds: the duration
        :returns: the trace ID; None if there is none
        """
        if self._tracer is None:
            return None
        from opentelemetry.trace import SpanKind, Status, StatusCode

        known = request.method in _METHODS
        attributes: dict[str, str | int] = {
            "http.request.method": request.method if known else "_OTHER",
            "http.route": route,
            "http.response.status_code": response.status,
            "url.path": request.path,
            "url.scheme": request.scope["scheme"],
            "flows.request_id": request.id,
            "flows.version": request.version,
        }
        if plan is not None:
            attributes["flows.operation"] = plan.operation_id
        if response.rule:
            attributes["flows.rule"] = response.rule
        if response.status >= 500:
            attributes["error.type"] = str(response.status)
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{request.method if known else 'HTTP'} {route}",
            self._extract(_by_name(request.scope["headers"])),
            SpanKind.SERVER,
            attributes,
            start_time=ended - int(seconds * 1e9),
        )
        if response.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)
        return f"{span.get_span_context().trace_id:032x}"


def tracing_of(environment: Mapping[str, str]) -> Tracing | None:
    """Create the tracing that the standard variables enable.

    :returns: None if they enable none
    :raises NoTraces: an exporter is not installed, or a variable has an invalid value
    """
    names = _exporters(environment)
    if not names:
        return None
    try:
        import opentelemetry.propagate
        import opentelemetry.sdk.trace  # noqa: F401  # both read variables
    except ImportError as error:
        raise NoTraces("Traces are asked for, and OpenTelemetry is not installed.", INSTALL) from error
    except ValueError as error:
        raise NoTraces(f"Traces are asked for, and OpenTelemetry says: {error}", "Correct the variable.") from error
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    return Tracing(_loaded(_OTLP.get(protocol, protocol) if name == "otlp" else name) for name in names)


def _exporters(environment: Mapping[str, str]) -> list[str]:
    """The enabled exporters, by their names in the variables."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if not named and any(environment.get(endpoint, "").strip() for endpoint in endpoints):
        named = "otlp"
    return [name for name in map(str.strip, named.split(",")) if name not in ("", "none")]


def _loaded(name: str) -> Any:
    """The class of an exporter. :raises NoTraces: no installed package provides it"""
    for entry in importlib.metadata.entry_points(group=_ENTRY_POINTS, name=name):
        try:
            return entry.load()
        except ImportError:
            break
    advice = f"{INSTALL} brings `otlp` (http/protobuf) and `console`; another one is in a package of its own."
    raise NoTraces(f"Traces are asked for, and the exporter {name} is not installed.", advice)


def _by_name(headers: Iterable[Header]) -> dict[str, list[str]]:
    """All values of each header."""
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return named
