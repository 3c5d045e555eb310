"""The Connexion middleware that serves the contract.

It is a `SpecMiddleware`: Connexion hands it the specification, and its `AbstractRoutingAPI` walks the operations and resolves
the handlers. What is left per request is one match, one plan, one answer. Paths outside the contract go on to the next application.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from app import ambient, errors
from app.contract import answers
from app.contract.answers import Answer, Header, detail, path_headers
from app.contract.framework import (
    AbstractOperation,
    AbstractRoutingAPI,
    SecurityHandlerFactory,
    Specification,
    SpecMiddleware,
)
from app.contract.negotiation import accepts, names_json
from app.contract.paths import PathReader
from app.contract.plan import Plan, PlanBuilder, parameters
from app.contract.problems import PROBLEM, Problems
from app.contract.routing import Router
from app.contract.serving import PathPlan, Request, Server, unavailable
from app.contract.source import Source
from app.contract.workers import Workers
from app.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Pending = Callable[[], Awaitable[None] | None]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Observe = Callable[[PathPlan, Plan | None, Request, Answer, tuple[Header, ...], float], None]

log = structlog.get_logger("flows.request")


class Disconnected(Exception):
    """The client left before its request was complete."""


class ContractAPI(AbstractRoutingAPI):
    """The plans of one contract, by path.

    :param specification: the contract as Connexion holds it
    :param source: the same contract with the places of its parts
    :param metrics: counts the requests
    :param security_map: Connexion's map of security handlers
    """

    def __init__(
        self,
        specification: Specification,
        *,
        source: Source,
        metrics: Metrics,
        security_map: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._source = source
        self._plans: dict[str, dict[str, Plan]] = defaultdict(dict)
        base_path = options.get("base_path") or specification.base_path
        self._builder = PlanBuilder(source, base_path, SecurityHandlerFactory(security_map))
        self.router: Router[PathPlan] = Router()
        super().__init__(specification, **options)
        for template, plans in self._plans.items():
            item = source.document["paths"][template]
            undefined = item.get("x-required-permissions", {})
            headers, bare_headers = path_headers(plans)
            reader = PathReader(source, template, parameters(source, template, next(iter(plans)).lower(), "path"))
            self.router.add(
                self.base_path + template,
                PathPlan(
                    plans=plans,
                    undefined={method.upper(): frozenset(names) for method, names in undefined.items()},
                    headers=headers,
                    bare_headers=bare_headers,
                    pointer=("paths", template),
                    reader=reader,
                    counters=metrics.places({method: plan.operation_id for method, plan in plans.items()}),
                ),
                reader.read,
            )

    def make_operation(self, operation: AbstractOperation) -> Plan:
        """The plan of an operation."""
        return self._builder.build(operation)

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(
        self,
        method: str,
        path: str,
        operation: Plan,
        name: str | None = None,  # noqa: ARG002  # Connexion's interface
    ) -> None:
        self._plans[path][method.upper()] = operation


class ContractMiddleware(SpecMiddleware):
    """Serves every operation of the contract.

    :param app: the application behind, for all other paths
    :param source: the contract
    :param server: carries requests out
    :param workers: the threads that requests are carried out on; None for the event loop's own thread
    :param pending: what has to be done before the answer of a request that was carried out on the event loop's thread may leave,
        None if nothing has; it raises `Unavailable` if the answer does not hold
    :param metrics: counts the requests
    :param observe: is told of each request, its answer with all headers, and how long that took, in seconds; None for nobody
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        source: Source,
        server: Server,
        workers: Workers | None,
        pending: Pending,
        metrics: Metrics,
        observe: Observe | None = None,
    ) -> None:
        self._next = app
        self._source = source
        self._server = server
        self._workers = workers
        self._pending = pending
        self._problems = Problems(source)
        self._metrics = metrics
        self._observe = observe
        self._log: Any = None
        self._router: Router[PathPlan] = Router()
        self._prefix = "/"
        # The public documentation of authentik has its URLs so: `/api/v3//flows/instances/`.
        self._doubled = "//"

    def add_api(self, specification: Specification, **options: Any) -> ContractAPI:
        """Build the plans. Called by Connexion when the application starts."""
        api = ContractAPI(specification, source=self._source, metrics=self._metrics, **options)
        self._router, self._prefix, self._doubled = api.router, api.base_path + "/", api.base_path + "//"
        return api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._next(scope, receive, send)
            return
        started = ambient.clock()
        path: str = scope["path"]
        if path.startswith(self._doubled):
            path = self._prefix + path[len(self._doubled) :]
        found = self._router.find(path) if path.startswith(self._prefix) and "\0" not in path else None
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
                    request.body = await _read(receive, length, self._server.body_limit)
                answer = await self._answer(target, plan, request)
            if answer.status >= 400:
                answer = self._problems.located(answer, target, plan, accept)
            headers = _headers_of(answer, target, request.id)
            await _send(send, answer, headers, head=method == "HEAD")
        except Disconnected:
            return
        finally:
            self._metrics.end()
        seconds = ambient.clock() - started
        self._metrics.count(target.counters.get(verb), answer.status, seconds, answer.rule)
        if self._observe is not None:
            self._observe(target, plan, request, answer, headers, seconds)
        # Bound once: a line that is not written costs next to nothing then.
        self._log = self._log or log.bind()
        self._log.info(
            "request",
            id=request.id,
            operation=plan.operation_id if plan else None,
            method=method,
            path=path,
            status=answer.status,
            ms=round(seconds * 1000, 2),
            token=request.access.name if request.access else None,
            reason=answer.reason or None,
            rule=answer.rule or None,
        )

    async def _answer(self, target: PathPlan, plan: Plan | None, request: Request) -> Answer:
        """Carry a request out, and wait until its answer holds."""
        if self._workers is not None:
            answered: Answer = await self._workers.run(self._server.serve, target, plan, request)
            return answered
        answer = self._server.serve(target, plan, request)
        if (commit := self._pending()) is not None:
            try:
                await commit
            except errors.Unavailable as error:
                return unavailable(error, request)
        return answer


def _acceptable(accept: str, plan: Plan | None) -> bool:
    """Whether an `Accept` header admits what a plan may answer: JSON, or any media type that its file can have.

    Who names problems says how to be told of refusals, and takes other answers as they are.
    """
    if plan is None or not plan.files:
        return accepts(accept, "application/json") or accepts(accept, PROBLEM)
    return any(accepts(accept, media_type) for media_type in (*plan.files, PROBLEM))


def outline(source: Source) -> dict[str, Any]:
    """What Connexion has to know of a contract: its paths, and the name and the security of each operation.

    It would check and copy the whole document, which the boot checks have looked at already.
    """
    document = source.document
    paths: dict[str, dict[str, Any]] = {path: {} for path in document["paths"]}
    for _, path, method, operation in source.operations():
        known = {key: operation[key] for key in ("operationId", "security") if key in operation}
        paths[path][method] = {**known, "responses": {"default": {"description": ""}}}
    return {
        **{key: document[key] for key in ("openapi", "info", "servers", "security") if key in document},
        "paths": paths,
        "components": {"securitySchemes": document.get("components", {}).get("securitySchemes", {})},
    }


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


async def _send(send: Send, answer: Answer, headers: tuple[Header, ...], *, head: bool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
