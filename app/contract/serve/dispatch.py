"""Requests that can't be served at once: where they run, and what they wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.types import Receive

from app import errors
from app.contract.compile.plan import PathPlan, Plan
from app.contract.request.body import BodyReader
from app.contract.response import responses
from app.contract.response.responses import CONTINUE, Response, busy, detail
from app.contract.serve.asgi import NoRoom, Room, read_body
from app.contract.serve.long_running import Busy, LongRunning
from app.contract.serve.plan_runner import PlanRunner
from app.contract.serve.rejections import too_large, unavailable
from app.contract.serve.request import Request
from app.contract.serve.threads import Workers
from app.execution import Offload

Pending = Callable[[], asyncio.Future[None] | None]
WaitForLock = Callable[[errors.Locked, float], Awaitable[None]]
Pipelined = Callable[..., Awaitable[Response | None]]

# Safe methods (RFC 9110, section 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Dispatcher:
    """Runs requests on the event loop's thread, on others, or in a pipeline, and waits for their bodies, commits and locks.

    :param workers: the threads that run requests; None for the event loop's own thread
    :param long_running: the thread that runs requests which may take seconds; None for no separate one
    :param pending: the commit that a response from the event loop's thread has to wait for, None if there is none; awaiting it
        raises `Unavailable` if the commit failed, `Locked` if the request may be retried
    :param wait_for_lock: waits until a request that found the database locked may be retried, given the error and when the request
        began to wait, in seconds of the event loop's clock; raises `Unavailable` after a while
    :param pipelined: runs requests with a single statement on the event loop's thread, without waiting; see
        `app.store.engine.database.Database`
    :param room: the memory for bodies of running requests
    """

    def __init__(
        self,
        *,
        workers: Workers | None,
        long_running: LongRunning | None,
        pending: Pending,
        wait_for_lock: WaitForLock,
        pipelined: Pipelined,
        room: Room,
    ) -> None:
        self._workers = workers
        self._long_running = long_running
        self._pending = pending
        self._wait_for_lock = wait_for_lock
        self._pipelined = pipelined
        self._room = room

    async def run(self, runner: PlanRunner, target: PathPlan, plan: Plan | None, request: Request) -> Response:
        """Run a request. :returns: the final response, after its commit"""
        if self._long_running is not None and plan is not None and plan.long_running and request.body is not None:
            return await self._run_long(self._long_running, runner, target, plan, request)
        if self._workers is None:
            return await self.complete(runner, target, plan, request, None, None)
        # Authentication takes one short statement at most.
        if plan is not None and (plan.single_statement or (plan.body is not None and request.body is None)):
            try:
                serve = runner.serve if plan.undoable else runner.begin
                response = await self._pipelined(serve, target, plan, request)
                if response is not None:
                    return response
            except errors.SerializationFailure:
                pass
            except errors.Unavailable as error:
                return unavailable(error, request)
        return await self._run_on_thread(self._workers, runner, target, plan, request)

    async def receive_body(
        self,
        runner: PlanRunner,
        target: PathPlan,
        plan: Plan,
        reader: BodyReader,
        request: Request,
        length: int,
        receive: Receive,
    ) -> Response | None:
        """Read a body if the caller may send one: bodies of other callers are not kept.

        :returns: the response if it does not depend on the body
        """
        response = await self.run(runner, target, plan, request)
        if response is not CONTINUE:
            return response
        limit = runner.limit_of(reader)
        if length <= limit and not self._room.has(length):
            return busy()
        try:
            request.body = await read_body(receive, length, limit, partial(self._room.take, request))
        except NoRoom:
            return busy()
        if request.body is None:
            request.unread = too_large(limit)
        return None

    async def complete(
        self,
        runner: PlanRunner,
        target: PathPlan,
        plan: Plan | None,
        request: Request,
        response: Response | None,
        commit: asyncio.Future[None] | None,
    ) -> Response:
        """Run a request on this thread, and wait for its commit. While the database is locked, a timer retries it.

        :param response: None if the request has not run yet
        :param commit: the commit to wait for
        :returns: the final response
        """
        began = 0.0
        while True:
            try:
                if response is None:
                    response = runner.serve(target, plan, request)
                    commit = self._pending() if response is not CONTINUE else None
                if commit is not None:
                    await commit
                return response
            except Offload as offload:
                task = asyncio.create_task(asyncio.to_thread(offload.function))
                # An exception is raised where the request asks for the result.
                await asyncio.wait([task])
                computed: dict[str, asyncio.Future[Any]] = request.computed if request.computed is not None else {}
                computed[offload.key] = task
                continue
            except errors.Locked as error:
                locked, response, commit = error, None, None
            except errors.Unavailable as error:
                return unavailable(error, request)
            began = began or asyncio.get_running_loop().time()
            try:
                await self._wait_for_lock(locked, began)
            except errors.Unavailable as error:
                return unavailable(error, request)

    async def _run_long(
        self, thread: LongRunning, runner: PlanRunner, target: PathPlan, plan: Plan, request: Request
    ) -> Response:
        """Serve a long-running request."""
        try:
            response: Response = await thread.run(runner.serve, target, plan, request)
        except Busy:
            response = detail(503, responses.BUSY_WITH_LONG, ((b"retry-after", responses.RETRY_AFTER),))
        return response

    async def _run_on_thread(
        self, workers: Workers, runner: PlanRunner, target: PathPlan, plan: Plan | None, request: Request
    ) -> Response:
        """Run a request on a thread. Changes of one object wait for each other."""
        turn = request.path if request.path_values and request.method not in _SAFE else None
        try:
            response: Response = await workers.run(runner.serve, target, plan, request, turn=turn)
        except errors.Unavailable as error:
            return unavailable(error, request)
        return response
