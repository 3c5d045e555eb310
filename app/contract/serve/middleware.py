"""Connexion middleware that serves the contract.

It is a `SpecMiddleware`: Connexion passes it the options of the API, which becomes a `CompiledContract`. Each request takes one
lookup, one plan and one response. Paths outside the contract go to the next application.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app import determinism, errors
from app.contract.compile.connexion_api import ContractAPI
from app.contract.compile.plan import PathPlan, Plan
from app.contract.connexion import Specification, SpecMiddleware
from app.contract.response import responses
from app.contract.response.responses import Response, detail, without_path
from app.contract.serve.asgi import (
    API,
    BEGIN,
    CONTRACT,
    Committing,
    Disconnected,
    Room,
    headers_of,
    received,
    send_response,
    sent_whole,
)
from app.contract.serve.compiled_contract import ActiveContract, CompiledContract
from app.contract.serve.compiled_versions import CompiledVersions, Unserved
from app.contract.serve.dispatch import Dispatcher, Pending, Pipelined, WaitForLock
from app.contract.serve.long_running import LongRunning
from app.contract.serve.negotiation import not_acceptable
from app.contract.serve.reporting import Observer, Reporter, Trace
from app.contract.serve.request import Request
from app.contract.serve.threads import Workers
from app.exchanges import Services
from app.execution import Offload
from app.metrics import Metrics


class ContractMiddleware(SpecMiddleware):
    """Middleware that serves every operation of the contract.

    :param app: the next application, for all other paths
    :param active_contract: the active contract
    :param versions: the versions of the contract
    :param workers, long_running, pending, wait_for_lock, pipelined, room: see `Dispatcher`
    :param metrics: counts the requests
    :param observer: see `Reporter`
    :param trace: see `Reporter`
    :param services: the services of handlers besides the store
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        active_contract: ActiveContract,
        versions: CompiledVersions,
        workers: Workers | None,
        long_running: LongRunning | None = None,
        pending: Pending,
        wait_for_lock: WaitForLock,
        pipelined: Pipelined,
        metrics: Metrics,
        observer: Observer | None = None,
        trace: Trace | None = None,
        room: Room | None = None,
        services: Services | None = None,
    ) -> None:
        self._next = app
        self._active_contract = active_contract
        self._versions = versions
        self._workers = workers
        self._pending = pending
        self._metrics = metrics
        self._reporter = Reporter(metrics, observer, trace)
        self._report = self._reporter.report
        self._room = room or Room()
        self._dispatcher = Dispatcher(
            workers=workers,
            long_running=long_running,
            pending=pending,
            wait_for_lock=wait_for_lock,
            pipelined=pipelined,
            room=self._room,
        )
        self._services = services or Services()

    def add_api(self, _specification: Specification, **options: Any) -> ContractAPI:
        """Compile the contract. Called by Connexion when the application starts."""
        return self._active_contract.start(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http":
            rest = self._begin(self._pass_on, scope, receive, send)
            if rest is not None:
                await rest
            return
        if scope["type"] == "lifespan" and "state" in scope and self._workers is None:
            scope["state"][BEGIN] = partial(self._begin, scope.get("app", self))
        await self._next(scope, receive, send)

    def _begin(self, otherwise: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None] | None:
        """Serve one request until something has to be awaited.

        :param otherwise: serves paths outside the contract
        :returns: the rest; None if the response has been sent
        """
        started = determinism.clock()
        accept, authorization, cookies, content_type, length, version, agent = headers_of(scope["headers"])
        name, path = self._versions.choose(scope["path"], version, agent)
        above = scope["path"][: -len(path)]
        compiled_contract = self._active_contract.compiled_contract if name is None else self._versions.get(name)
        if compiled_contract is None:
            return self._begin_later(str(name), path, otherwise, scope, receive, send)
        if path.startswith(compiled_contract.doubled):
            path = compiled_contract.prefix + path[len(compiled_contract.doubled) :]
        found = (
            compiled_contract.router.find(path)
            if path.startswith(compiled_contract.prefix) and "\0" not in path
            else None
        )
        if found is None:
            if name is not None:
                root_path = scope.get("root_path", "") + above
                scope = {**scope, "path": path, "root_path": root_path, CONTRACT: compiled_contract.contract}
            return otherwise(scope, receive, send)
        target, path_values = found
        method: str = scope["method"]
        plan = target.plan_of(method)
        request = Request(
            determinism.identifying_bytes(16).hex(),
            method,
            path,
            path_values,
            scope["query_string"],
            b"",
            accept,
            authorization,
            cookies,
            content_type,
            scope,
            started,
            compiled_contract.version,
            above,
            self._services,
        )
        if self._workers is None:
            request.computed = {}
        response, commit = not_acceptable(plan, request), None
        if response is None and plan is not None and plan.body is not None:
            request.body = received(scope, compiled_contract.runner.small_body)
        is_ready = plan is None or (request.body is not None and not plan.long_running)
        if response is None and is_ready and self._workers is None:
            try:
                response = compiled_contract.runner.serve(target, plan, request)
                commit = self._pending()
            except (errors.Locked, Offload):
                response = None
        if (
            response is not None
            and commit is None
            and self._sent_at_once(compiled_contract, target, plan, request, response)
        ):
            return None
        self._metrics.begin()
        rest = partial(self._go_on, compiled_contract, target, plan, request, response, commit, length, receive, send)
        if response is None or commit is None:
            return rest()
        return Committing(commit, partial(self._committed, compiled_contract, target, plan, request, response, rest))

    def _sent_at_once(
        self,
        compiled_contract: CompiledContract,
        target: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response,
    ) -> bool:
        """Send a response at once, and report it. :returns: whether that was possible"""
        if response.status >= 400 or (lines := sent_whole(response, target, request)) is None:
            return False
        self._report(compiled_contract, target, plan, request, response, lines)
        return True

    def _committed(
        self,
        compiled_contract: CompiledContract,
        target: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response,
        rest: Callable[[], Awaitable[None]],
        commit: asyncio.Future[None],
    ) -> Awaitable[None] | None:
        """Send the response of a request that has waited for its commit. :returns: the rest; None if it has been sent"""
        if commit.cancelled() or commit.exception() is not None:
            return rest()
        if not self._sent_at_once(compiled_contract, target, plan, request, response):
            return rest()
        self._metrics.end()
        return None

    async def _begin_later(
        self, name: str, path: str, otherwise: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a request for a version that is not compiled yet, or does not exist."""
        if path.startswith(f"{self._active_contract.contract.base_path}/"):
            if not self._versions.has(name):
                status = 404 if path != scope["path"] else 400
                refusal = _Refusal(detail(status, f"There is no version {name!r}. {self._versions.known}"))
                await self._reporter.report_outside(refusal, scope, receive, send)
                return
            try:
                await self._versions.compile(name)
            except Unserved as error:
                refusal = _Refusal(detail(503, str(error), ((b"retry-after", responses.RETRY_AFTER),)))
                await self._reporter.report_outside(refusal, scope, receive, send)
                return
            rest = self._begin(otherwise, scope, receive, send)
        else:
            rest = otherwise(scope, receive, send)
        if rest is not None:
            await rest

    async def _go_on(
        self,
        compiled_contract: CompiledContract,
        target: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response | None,
        commit: asyncio.Future[None] | None,
        length: int,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve the rest of a request: read its body, run it elsewhere, wait for the commit, and send at the client's pace."""
        try:
            runner = compiled_contract.runner
            if response is None and plan is not None and plan.body is not None and request.body is None:
                response = await self._dispatcher.receive_body(
                    runner, target, plan, plan.body, request, length, receive
                )
            if response is None:
                response = await self._dispatcher.run(runner, target, plan, request)
            elif commit is not None:
                response = await self._dispatcher.complete(runner, target, plan, request, response, commit)
            if response.status >= 400:
                response = compiled_contract.problems.located(response, target, plan, request.accept)
            lines = sent_whole(response, target, request)
            if lines is None:
                lines = await send_response(send, response, target, request)
        except Disconnected:
            return
        finally:
            self._metrics.end()
            self._room.give_back(request)
        self._report(compiled_contract, target, plan, request, response, lines)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for a path outside the contract. One below the base path is counted and logged, as it is probably a
        client's error.
        """
        if not scope["path"].startswith(self._active_contract.compiled_contract.prefix):
            await self._next({**scope, API: self}, receive, send)
        else:
            await self._reporter.report_outside(self._next, scope, receive, send)


class _Refusal:
    """Application that sends an error response that belongs to no path."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = (*without_path(self._response), *self._response.headers)
        await send({"type": "http.response.start", "status": self._response.status, "headers": headers})
        await send({"type": "http.response.body", "body": self._response.body})
