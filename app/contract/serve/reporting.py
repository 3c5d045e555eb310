"""Reports of completed requests: to the metrics, an observer, the traces and the log."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import determinism
from app.contract.compile.plan import PathPlan, Plan
from app.contract.response.responses import Header, Response
from app.contract.serve.compiled_contract import CompiledContract
from app.contract.serve.request import Request
from app.contract.serve.stored import ViolationReporter
from app.metrics import Metrics

Trace = Callable[[str, Plan | None, Request, Response, float], str | None]

log = structlog.get_logger("flows.request")


class Observer(Protocol):
    """An observer of completed requests."""

    def observe(
        self,
        path: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response,
        headers: bytes,
        seconds: float,
    ) -> None:
        """Observe a request of the contract. :param headers: of the response, as they are sent"""

    def observe_outside(
        self, scope: Scope, status: int, headers: tuple[Header, ...], body: bytes, seconds: float
    ) -> None:
        """Observe a rejected request for a path outside the contract. :param headers: of the response"""


class Reporter:
    """Reporter of completed requests.

    :param metrics: counts the requests
    :param observer: told of each request, its response and the duration, in seconds; None for no observer
    :param trace: creates the span of each request from its path in the contract, its plan, its response and the duration, in
        seconds. It returns the trace id; None if traces are off
    """

    def __init__(self, metrics: Metrics, observer: Observer | None, trace: Trace | None) -> None:
        self._metrics = metrics
        self._violations = ViolationReporter(metrics)
        self._observer = observer
        self._trace = trace
        self._log: Any = None

    def report(
        self,
        compiled_contract: CompiledContract,
        target: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response,
        lines: bytes,
    ) -> None:
        """Report a request of the contract. :param lines: the headers as they are sent"""
        seconds = determinism.clock() - request.started
        verb = "GET" if request.method == "HEAD" else request.method
        place = target.counters.get(verb)
        self._metrics.count(place, response.status, seconds, response.rule, compiled_contract.counter)
        if response.stored_violations:
            self._violations.report(plan, response.stored_violations, place)
        if self._observer is not None:
            self._observer.observe(target, plan, request, response, lines, seconds)
        trace_id = None
        if self._trace is not None:
            trace_id = self._trace(
                f"{compiled_contract.prefix[:-1]}{target.pointer[1]}", plan, request, response, seconds
            )
        # Bound once, and checked before the line is built: a disabled line costs next to nothing then.
        self._log = self._log or log.bind()
        if self._log.is_enabled_for(logging.INFO):
            self._log.info(
                "request",
                id=request.id,
                operation=plan.operation_id if plan else None,
                method=request.method,
                path=request.path,
                status=response.status,
                ms=round(seconds * 1000, 2),
                version=request.version,
                token=request.access.name if request.access else None,
                reason=response.reason or None,
                rule=response.rule or None,
                trace_id=trace_id,
            )

    async def report_outside(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an application serve a request outside the contract, and report it. Traces know the contract only, and the observer
        what is rejected.
        """
        started = determinism.clock()
        status, headers, body = 500, (), b""

        async def observed(message: Message) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], tuple(message["headers"])
            elif self._observer is not None and status >= 400:
                body += message.get("body", b"")
            await send(message)

        self._metrics.begin()
        try:
            await app(scope, receive, observed)
        finally:
            self._metrics.end()
            seconds = determinism.clock() - started
            self._metrics.count(None, status, seconds, "")
            if self._observer is not None and status >= 400:
                self._observer.observe_outside(scope, status, headers, body, seconds)
            log.info(
                "request",
                id=determinism.identifying_bytes(16).hex(),
                operation=None,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 2),
                token=None,
            )
