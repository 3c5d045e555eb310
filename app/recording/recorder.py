"""Records the coverage of the contract by requests, and the traffic itself."""

import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.types import Scope

from app import determinism
from app.contract.compile.plan import PathPlan, Plan
from app.contract.document.contract import Contract
from app.contract.document.overlays import minor
from app.contract.response.responses import Header, Response, lines
from app.contract.serve.problems import documented
from app.contract.serve.request import Request
from app.contract.validation.rules import ViolatedRule
from app.recording.coverage import Exercised, coverage
from app.recording.points import Point, operations, points_of
from app.recording.secrets import Secrets, without_credentials, without_links
from app.recording.selection import EVERYTHING, Selection
from app.recording.traffic import Exchange, Traffic

log = structlog.get_logger("flows.recording")

# The maximum number of cached query strings. Clients without credentials may send any.
_QUERIES = 4096
# The maximum number of pending requests, and the size of a request in bytes that is processed at once.
_BATCH = 32
_LARGE = 64 * 1024
# The headers of requests with a body (RFC 9112, section 6).
_OF_BODIES = (b"content-length", b"transfer-encoding")

_Observed = tuple[PathPlan, Plan | None, Request, Response, bytes, float, float]


class Recorder:
    """Records the traffic of all versions, and the coverage of one contract. Any thread may read it.

    :param contract: the contract
    """

    def __init__(self, contract: Contract) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Observed] = deque()
        self.reset()
        self.follow(contract)

    def follow(self, contract: Contract) -> None:
        """Continue with another contract. Recorded data is kept by operationId."""
        known = {operation.id: operation for operation in operations(contract)}
        with self._lock:
            self._take_in()
            self._contract, self._operations, self._secrets = contract, known, Secrets(contract)
            self._version = minor(contract.release)
            self._look_anew()

    def reset(self) -> None:
        """Discard all recorded data."""
        with self._lock:
            self._waiting.clear()
            self._seen: defaultdict[str, Exercised] = defaultdict(Exercised)
            self._traffic = Traffic()
            self._look_anew()

    def forget(self) -> None:
        """Discard the recorded traffic, but not the coverage."""
        with self._lock:
            self._take_in()
            self._traffic = Traffic()

    def _look_anew(self) -> None:
        # The known query strings, and the values of properties that are not exercised yet.
        self._queries: set[tuple[str, bytes]] = set()
        self._left: dict[str, Mapping[str, frozenset[str]]] = {}

    def observe(
        self,
        path: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response,
        headers: bytes,
        seconds: float,
    ) -> None:
        """Record a request and its response, with all headers as sent."""
        self._waiting.append((path, plan, request, response, headers, seconds, determinism.now()))
        # Processing many at once takes half the time, as the code stays in the processor's cache.
        if len(self._waiting) >= _BATCH or len(request.body or b"") + len(response.body) > _LARGE:
            with self._lock:
                self._take_in()

    def observe_outside(
        self, scope: Scope, status: int, headers: tuple[Header, ...], body: bytes, seconds: float
    ) -> None:
        """Record a rejected request for a path outside the contract, without its body: it is unknown which parts are secret."""
        try:
            with self._lock:
                self._take_in()
                self._keep_outside(scope, status, headers, body, seconds)
        except Exception:
            log.exception("request not recorded", path=scope["path"])

    def coverage(self, selection: Selection = EVERYTHING) -> dict[str, Any]:
        """The coverage as data. :param selection: what counts"""
        with self._lock:
            self._take_in()
            seen = {name: one.copy() for name, one in self._seen.items()}
            contract, known = self._contract, tuple(self._operations.values())
        return coverage(contract, known, seen, selection)

    def exchanges(self) -> list[Exchange]:
        """The last exchanges, the oldest first."""
        with self._lock:
            self._take_in()
            return self._traffic.exchanges()

    def _take_in(self) -> None:
        """Process the pending requests. Errors are logged, and affect no client."""
        while self._waiting:
            path, plan, request, response, headers, seconds, moment = self._waiting.popleft()
            try:
                self._keep(plan.operation_id if plan else "", request, response, headers, seconds, moment)
                if plan is not None and request.version == self._version and plan.operation_id in self._operations:
                    self._count(path, plan, request, response)
            except Exception:
                log.exception("request not recorded", id=request.id)

    def _count(self, path: PathPlan, plan: Plan, request: Request, response: Response) -> None:
        name = plan.operation_id
        seen = self._seen[name]
        if response.status not in seen.statuses:
            seen.points.add(Point("status", str(response.status)))
        seen.statuses[response.status] += 1
        if response.status >= 400:
            if response.status < 500:
                for one in response.violated or [ViolatedRule(documented(response.status, path, plan))]:
                    seen.rules[one.keyword, one.rule] += 1
            return
        if request.query and (name, request.query) not in self._queries:
            if len(self._queries) >= _QUERIES:
                self._queries.clear()
            self._queries.add((name, request.query))
            self._exercise(name, "parameter", _parameters(request.query))
        if plan.body is not None and request.body and (left := self._left_of(name)):
            sent = plan.body.sent(request.body, request.content_type)
            new = {
                property_name: sent[property_name]
                for property_name in left
                if property_name in sent and _may_be_in(sent[property_name], left[property_name])
            }
            if new:
                self._exercise(name, "member", new)

    def _left_of(self, operation: str) -> Mapping[str, frozenset[str]]:
        """The properties of an operation's body with points to exercise left: their values, empty for any."""
        if operation not in self._left:
            values = defaultdict(set)
            for point in self._operations[operation].points.keys() - self._seen[operation].points:
                if point.kind == "member":
                    values[point.name].add(point.value)
            self._left[operation] = {name: frozenset(left) for name, left in values.items()}
        return self._left[operation]

    def _exercise(self, operation: str, kind: str, values: Mapping[str, Any]) -> None:
        seen = self._seen[operation].points
        points = {point for name, value in values.items() for point in points_of(kind, name, value)}
        if new := (points & self._operations[operation].points.keys()) - seen:
            seen |= new
            self._left.pop(operation, None)

    def _keep(
        self, operation: str, request: Request, response: Response, headers: bytes, seconds: float, moment: float
    ) -> None:
        scope = request.scope
        query, sent = request.query, request.body
        in_responses: bytes | None = b"" if request.method == "HEAD" else response.body
        if self._secrets:
            query = self._secrets.query(query)
            sent, secret = self._secrets.sent(operation, sent)
            # An error response may contain invalid values.
            in_responses = None if secret and response.status >= 400 else self._secrets.body(in_responses)[0]
        asked, size = self._traffic.shared(without_credentials(scope["headers"]))
        exchange = Exchange(
            moment,
            seconds,
            scope.get("scheme", "http"),
            scope.get("server"),
            request.method,
            scope["path"] if scope["path"].endswith(request.path) else request.path,
            without_links(query),
            asked,
            sent and without_links(sent),
            response.status,
            without_links(headers),
            in_responses and without_links(in_responses),
        )
        self._traffic.add(exchange, size)

    def _keep_outside(
        self, scope: Scope, status: int, headers: tuple[Header, ...], body: bytes, seconds: float
    ) -> None:
        asked, size = self._traffic.shared(without_credentials(scope["headers"]))
        exchange = Exchange(
            determinism.now(),
            seconds,
            scope.get("scheme", "http"),
            scope.get("server"),
            scope["method"],
            scope.get("root_path", "") + scope["path"],
            without_links(self._secrets.query(scope["query_string"])),
            asked,
            None if any(name in _OF_BODIES for name, _ in asked) else b"",
            status,
            without_links(lines(headers)),
            b"" if scope["method"] == "HEAD" else self._secrets.body(without_links(body))[0],
        )
        self._traffic.add(exchange, size)


def _may_be_in(value: Any, left: frozenset[str]) -> bool:
    """Whether a property's value may exercise one of the points left. Most are texts, and were recorded before."""
    return not isinstance(value, str) or value in left or "" in left


def _parameters(query: bytes) -> dict[str, Any]:
    """The values of a query string by parameter. Blank ones count as missing."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), errors="replace"):
        values.setdefault(name, []).append(value.strip())
    return values
