"""Sees each request with its answer, and keeps what it exercises of the contract, and the traffic itself."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog

from app import ambient
from app.contract.answers import Answer, Header
from app.contract.plan import Plan
from app.contract.problems import documented
from app.contract.rules import Broken
from app.contract.serving import PathPlan, Request
from app.contract.source import Source
from app.recording.coverage import Seen, coverage
from app.recording.points import Point, operations, points_of
from app.recording.secrets import Secrets, without_credentials
from app.recording.traffic import Exchange, Traffic, fitting

log = structlog.get_logger("flows.recording")

# How many query strings are known to have been looked at. Strangers may send any.
_QUERIES = 4096


class Recorder:
    """Keeps what clients exercise of a contract. Any thread may ask for it.

    :param source: the contract
    """

    def __init__(self, source: Source) -> None:
        self._lock = threading.Lock()
        self.reset()
        self.follow(source)

    def follow(self, source: Source) -> None:
        """Go on with another contract. What was seen stays, by operationId."""
        known = {operation.id: operation for operation in operations(source)}
        secrets = Secrets(source)
        with self._lock:
            self._source, self._operations, self._secrets = source, known, secrets
            self._points = {name: frozenset(operation.points) for name, operation in known.items()}
            self._look_anew()

    def reset(self) -> None:
        """Forget all that was seen."""
        with self._lock:
            self._seen: defaultdict[str, Seen] = defaultdict(Seen)
            self._traffic = Traffic()
            self._look_anew()

    def _look_anew(self) -> None:
        # What nothing new can be learned from: queries that were looked at, and operations all of whose members were exercised.
        self._queries: set[tuple[str, bytes]] = set()
        self._complete: set[str] = set()

    def observe(
        self,
        path: PathPlan,
        plan: Plan | None,
        request: Request,
        answer: Answer,
        headers: tuple[Header, ...],
        seconds: float,
    ) -> None:
        """See a request and its answer. What goes wrong here is logged, and nobody else's trouble."""
        try:
            with self._lock:
                self._keep(request, answer, headers, seconds)
                if plan is not None and plan.operation_id in self._operations:
                    self._count(path, plan, request, answer)
        except Exception:
            log.exception("request not recorded", id=request.id)

    def coverage(self) -> dict[str, Any]:
        """What was exercised and what was not, as data."""
        with self._lock:
            seen = {name: one.copy() for name, one in self._seen.items()}
            source, known = self._source, tuple(self._operations.values())
        return coverage(source, known, seen)

    def exchanges(self) -> list[Exchange]:
        """The last exchanges, the oldest first."""
        with self._lock:
            return self._traffic.exchanges()

    def _count(self, path: PathPlan, plan: Plan, request: Request, answer: Answer) -> None:
        name = plan.operation_id
        seen = self._seen[name]
        if answer.status not in seen.statuses:
            seen.points.add(Point("status", str(answer.status)))
        seen.statuses[answer.status] += 1
        if answer.status >= 400:
            if answer.status < 500:
                for one in answer.broken or [Broken(documented(answer.status, path, plan))]:
                    seen.rules[one.keyword, one.rule] += 1
            return
        if request.query and (name, request.query) not in self._queries:
            if len(self._queries) >= _QUERIES:
                self._queries.clear()
            self._queries.add((name, request.query))
            self._exercise(name, "parameter", _parameters(request.query))
        if plan.body is not None and request.body and name not in self._complete:
            self._exercise(name, "member", plan.body.sent(request.body, request.content_type))
            if not any(point.kind == "member" for point in self._points[name] - seen.points):
                self._complete.add(name)

    def _exercise(self, operation: str, kind: str, values: Mapping[str, Any]) -> None:
        known, seen = self._points[operation], self._seen[operation].points
        for name, value in values.items():
            seen.update(point for point in points_of(kind, name, value) if point in known)

    def _keep(self, request: Request, answer: Answer, headers: tuple[Header, ...], seconds: float) -> None:
        scope = request.scope
        query, sent = request.query, request.body
        answered: bytes | None = b"" if request.method == "HEAD" else answer.body
        if self._secrets:
            query = self._secrets.query(query)
            sent, secret = self._secrets.body(sent)
            # A refusal may say what is wrong with a value.
            answered = None if secret and answer.status >= 400 else self._secrets.body(answered)[0]
        traffic = self._traffic
        traffic.add(
            Exchange(
                ambient.now(),
                seconds,
                scope.get("scheme", "http"),
                scope.get("server"),
                request.method,
                request.path,
                query,
                traffic.shared(without_credentials(scope["headers"])),
                fitting(sent),
                answer.status,
                headers,
                fitting(answered),
            )
        )


def _parameters(query: bytes) -> dict[str, Any]:
    """The values of a query string by parameter. Blank ones mean that a parameter is not given."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), errors="replace"):
        values.setdefault(name, []).append(value.strip())
    return values
