"""The Connexion middleware that serves the contract.

It is a `SpecMiddleware`: Connexion hands it the specification, of which an `Edition` is made. What is left per request is one
match, one plan, one answer. Paths outside the contract go on to the next application.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog

from app import ambient, errors
from app.contract import answers
from app.contract.answers import Answer, Header, detail
from app.contract.edition import ContractAPI, Current
from app.contract.framework import Specification, SpecMiddleware
from app.contract.negotiation import accepts, names_json
from app.contract.plan import Plan
from app.contract.problems import PROBLEM
from app.contract.serving import PathPlan, Request, Server, unavailable
from app.contract.workers import Workers
from app.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pending = Callable[[], Awaitable[None] | None]
Together = Callable[..., Awaitable[Answer | None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
SendWhole = Callable[[int, bytes, bytes], bool]
Observe = Callable[[PathPlan, Plan | None, Request, Answer, bytes, float], None]
Trace = Callable[[str, Plan | None, Request, Answer, float], str | None]

WHOLE = "flows.whole"
"""The extension of ASGI by which a server offers to `send` an answer in one piece: given its status, its headers as they are sent,
and its body, it says whether it did. Who looks at what is sent takes it out of the scope.
"""

log = structlog.get_logger("flows.request")


class Disconnected(Exception):
    """The client left before its request was complete."""


class ContractMiddleware(SpecMiddleware):
    """Serves every operation of the contract.

    :param app: the application behind, for all other paths
    :param current: the contract that is in force
    :param workers: the threads that requests are carried out on; None for the event loop's own thread
    :param pending: what has to be done before the answer of a request that was carried out on the event loop's thread may leave,
        None if nothing has; it raises `Unavailable` if the answer does not hold
    :param together: carries out requests that are a single statement, on the event loop's thread, without waiting; see
        `app.store.database.Database`
    :param metrics: counts the requests
    :param observe: is told of each request, its answer with all headers as they are sent, and how long that took, in seconds; None
        for nobody
    :param trace: makes a span of each request: of its path in the contract, its plan, its answer, and how long that took, in
        seconds. It gives the identity of the trace; None if nobody traces
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        current: Current,
        workers: Workers | None,
        pending: Pending,
        together: Together,
        metrics: Metrics,
        observe: Observe | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._next = app
        self._current = current
        self._workers = workers
        self._pending = pending
        self._together = together
        self._metrics = metrics
        self._observe = observe
        self._trace = trace
        self._log: Any = None

    def add_api(self, specification: Specification, **options: Any) -> ContractAPI:
        """Build the plans. Called by Connexion when the application starts."""
        return self._current.start(specification, options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._next(scope, receive, send)
            return
        started = ambient.clock()
        path: str = scope["path"]
        edition = self._current.edition
        if path.startswith(edition.doubled):
            path = edition.prefix + path[len(edition.doubled) :]
        found = edition.router.find(path) if path.startswith(edition.prefix) and "\0" not in path else None
        if found is None:
            await self._next(scope, receive, send)
            return
        target, path_values = found
        method: str = scope["method"]
        verb = "GET" if method == "HEAD" else method
        plan = target.plans.get(verb)
        accept, authorization, content_type, length = _headers(scope["headers"])
        request = Request(
            ambient.random_bytes(16).hex(),
            method,
            path,
            path_values,
            scope["query_string"],
            b"",
            authorization,
            content_type,
            scope,
        )
        self._metrics.begin()
        try:
            if accept is not None and not _acceptable(accept, plan):
                answer = detail(406, answers.NOT_ACCEPTABLE)
            elif b"format=" in request.query and not names_json(request.query):
                answer = detail(404, answers.NOT_FOUND)
            else:
                if plan is not None and plan.body is not None:
                    request.body = await _read(receive, length, edition.server.body_limit)
                answer = await self._answer(edition.server, target, plan, request)
            if answer.status >= 400:
                answer = edition.problems.located(answer, target, plan, accept)
            head = method == "HEAD"
            lines = None if head else _sent_whole(scope, answer, target, request.id)
            if lines is None:
                headers = _headers_of(answer, target, request.id)
                await _send(send, answer, headers, head=head)
        except Disconnected:
            return
        finally:
            self._metrics.end()
        seconds = ambient.clock() - started
        self._metrics.count(target.counters.get(verb), answer.status, seconds, answer.rule)
        if self._observe is not None:
            self._observe(target, plan, request, answer, lines or answers.lines(headers), seconds)
        trace_id = None
        if self._trace is not None:
            trace_id = self._trace(f"{edition.prefix[:-1]}{target.pointer[1]}", plan, request, answer, seconds)
        self._tell(plan, request, answer, seconds, trace_id)

    def _tell(self, plan: Plan | None, request: Request, answer: Answer, seconds: float, trace_id: str | None) -> None:
        """Write the line of a request to the log."""
        # Bound once, and asked before the line is put together: one that is not written costs next to nothing then.
        self._log = self._log or log.bind()
        if self._log.is_enabled_for(logging.INFO):
            self._log.info(
                "request",
                id=request.id,
                operation=plan.operation_id if plan else None,
                method=request.method,
                path=request.path,
                status=answer.status,
                ms=round(seconds * 1000, 2),
                token=request.access.name if request.access else None,
                reason=answer.reason or None,
                rule=answer.rule or None,
                trace_id=trace_id,
            )

    async def _answer(self, server: Server, target: PathPlan, plan: Plan | None, request: Request) -> Answer:
        """Carry a request out, and wait until its answer holds."""
        if self._workers is not None:
            answer = await self._shared(server, target, plan, request) if plan and plan.single_statement else None
            return answer or await self._workers.run(server.serve, target, plan, request)
        answer = server.serve(target, plan, request)
        if (commit := self._pending()) is not None:
            try:
                await commit
            except errors.Unavailable as error:
                return unavailable(error, request)
        return answer

    async def _shared(self, server: Server, target: PathPlan, plan: Plan, request: Request) -> Answer | None:
        """Carry out a request that is a single statement, together with others. :returns: None if that can't be"""
        try:
            return await self._together(server.serve, target, plan, request)
        except errors.TakenBack:
            return None
        except errors.Unavailable as error:
            return unavailable(error, request)


def _acceptable(accept: str, plan: Plan | None) -> bool:
    """Whether an `Accept` header admits what a plan may answer: JSON, or any media type that its file can have.

    Who names problems says how to be told of refusals, and takes other answers as they are.
    """
    if plan is None or not plan.files:
        return accepts(accept, "application/json") or accepts(accept, PROBLEM)
    return any(accepts(accept, media_type) for media_type in (*plan.files, PROBLEM))


def _headers(headers: list[Header]) -> tuple[str | None, str | None, str, int]:
    """The headers a plan looks at. Repeated ones are joined by a comma (RFC 9110, section 5.3)."""
    accept = authorization = None
    content_type, length = "", 0
    for name, value in headers:
        if name == b"accept":
            text = value.decode("latin-1")
            accept = text if accept is None else f"{accept},{text}"
        elif name == b"authorization":
            text = value.decode("latin-1")
            authorization = text if authorization is None else f"{authorization},{text}"
        elif name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    return accept, authorization, content_type, length


async def _read(receive: Receive, length: int, limit: int) -> bytes | None:
    """The whole body; None if it is larger than the limit.

    :raises Disconnected: the client left before the body was complete
    """
    if length > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        if not message.get("more_body", False) and not chunks:
            return chunk if len(chunk) <= limit else None
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


def _headers_of(answer: Answer, path: PathPlan, request_id: str) -> tuple[Header, ...]:
    """All headers of an answer."""
    own: tuple[Header, ...] = (*answer.headers, (b"x-authentik-id", request_id.encode()))
    if answer.media_type is not None:
        length = str(len(answer.body)).encode()
        return ((b"content-type", answer.media_type), *path.bare_headers, (b"content-length", length), *own)
    if answer.body:
        return (*path.headers, (b"content-length", str(len(answer.body)).encode()), *own)
    return (*path.bare_headers, *own)


def _sent_whole(scope: Scope, answer: Answer, path: PathPlan, request_id: str) -> bytes | None:
    """Send a JSON answer that has no headers of its own in one piece, if the server offers to (`Protocol`).

    :returns: the headers that were sent; None if nothing was
    """
    whole: Mapping[str, SendWhole] | None = scope.get("extensions", {}).get(WHOLE)
    if whole is None or answer.headers or answer.media_type is not None or not answer.body:
        return None
    lines = b"%bcontent-length: %d\r\nx-authentik-id: %b\r\n" % (path.lines, len(answer.body), request_id.encode())
    return lines if whole["send"](answer.status, lines, answer.body) else None


async def _send(send: Send, answer: Answer, headers: tuple[Header, ...], *, head: bool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
