"""`/-/metrics/`: what was counted, in the text format of Prometheus."""

import hmac
import importlib.metadata
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from flask import Blueprint, Response, request

from app.metrics import BOUNDS, Metrics, Totals
from app.pages.watch import KNOWN
from app.store import Store

PATH = "/-/metrics/"

Sample = tuple[str, dict[str, str], float]
"""The end of the name, the labels and the value."""


class Condition(NamedTuple):
    """State of a store.

    :param revision: of its tables, None if it has none
    :param size: in bytes
    """

    revision: str | None
    size: int


def of_store(store: Store) -> Condition:
    """Query the state of a store. :raises Unavailable: the database does not answer"""
    return Condition(store.revision(), store.size())


def metrics(counted: Metrics, token: str) -> Blueprint:
    """The page of the metrics.

    :param counted: what they are of
    :param token: what a client has to send as a bearer token; empty if anybody may read them
    """
    page = Blueprint("metrics", __name__)
    wanted = f"Bearer {token}".encode()

    @page.get(PATH)
    def read() -> Response:
        sent = request.headers.get("Authorization", "").encode()
        if token and not hmac.compare_digest(sent, wanted):
            return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        text = "".join(_families(counted.totals(), request.environ[KNOWN]))
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    return page


def _families(totals: Totals, store: Condition | None) -> Iterator[str]:
    yield _family("requests_total", "counter", "Requests by operation and status.", _requests(totals))
    yield _family("refusals_total", "counter", "Refused requests by what they go against.", _refusals(totals))
    violations = _stored_violations(totals)
    yield _family("stored_violations_total", "counter", "Stored values in responses against the contract.", violations)
    yield _family("request_duration_seconds", "histogram", "Time until the answer.", _durations(totals))
    yield _gauge("requests_in_progress", "Requests that have no answer yet.", totals.in_progress)
    yield _gauge("workers", "Processes that serve.", totals.workers)
    yield _gauge("database_connections", "Open connections to the database.", totals.connections)
    dropped: Sample = "", {}, totals.dropped_lines
    yield _family("log_lines_dropped_total", "counter", "Lines of the log that were dropped.", [dropped])
    yield _gauge("database_up", "Whether the database answers.", int(store is not None))
    if store is None:
        return
    yield _gauge("store_bytes", "Size of the store.", store.size)
    labels = {"version": importlib.metadata.version("flows-server"), "revision": store.revision or ""}
    yield _family("info", "gauge", "Versions of the server and of the store's tables.", [("", labels, 1)])


def _requests(totals: Totals) -> Iterator[Sample]:
    for series in totals.series:
        for status, number in series.statuses.items():
            if number:
                yield "", {"operation": series.operation, "method": series.method, "status": status}, number


def _refusals(totals: Totals) -> Iterator[Sample]:
    for series in totals.series:
        for rule, number in series.rules.items():
            if number:
                yield "", {"operation": series.operation, "method": series.method, "rule": rule}, number


def _stored_violations(totals: Totals) -> Iterator[Sample]:
    for series in totals.series:
        for rule, number in series.stored_violations.items():
            if number:
                yield "", {"operation": series.operation, "method": series.method, "rule": rule}, number


def _durations(totals: Totals) -> Iterator[Sample]:
    for series in totals.series:
        labels = {"operation": series.operation, "method": series.method}
        numbers = list(accumulate(series.durations))
        for bound, number in zip((*map(str, BOUNDS), "+Inf"), numbers, strict=True):
            yield "_bucket", {**labels, "le": bound}, number
        yield "_sum", labels, series.seconds
        yield "_count", labels, numbers[-1]


def _gauge(name: str, meaning: str, value: float) -> str:
    return _family(name, "gauge", meaning, [("", {}, value)])


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP flows_{name} {meaning}", f"# TYPE flows_{name} {kind}"]
    for suffix, labels, value in samples:
        # Names of operations, rules and versions need no escapes.
        labelled = ",".join(f'{label}="{text}"' for label, text in labels.items())
        lines.append(f"flows_{name}{suffix}{{{labelled}}} {value}")
    return "\n".join(lines) + "\n"
