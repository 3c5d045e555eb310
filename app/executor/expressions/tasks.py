"""The input of an expression, as JSON."""

from typing import Any

from app.exchanges import HttpRequest
from app.executor.expressions.people import described
from app.executor.people import Person, person_of
from app.executor.plan import PENDING_USER
from app.executor.policies.engine import PolicyRequest
from app.executor.stages.password import BACKEND

# Headers without credentials.
_HEADERS = ("Accept-Language", "Host", "Referer", "User-Agent")


def task_of(expression: str, request: PolicyRequest) -> dict[str, Any]:
    """The task to evaluate an expression.

    :param expression: the body of a function
    :param request: the request that it is evaluated for
    :returns: `source`; `debug`: whether it is a test; `user`, `pending_user`, `context`, `plan`, `http_request` and `client_ip`,
        null if there is none; `shares_context`: whether `context` is that of the plan; `found`: the results of its lookups
    """
    plan = request.plan
    shares = plan is not None and request.context is plan.context
    pending = None
    if _is_user(kept := request.context.get(PENDING_USER)):
        pending = person_of(request.store, kept)
    return {
        "source": expression,
        "debug": request.is_test,
        "user": _described(request.user, request),
        "pending_user": _described(pending, request),
        "context": {} if shares else dict(request.context),
        "plan": None if plan is None else {"flow": plan.flow, "context": plan.context},
        "shares_context": shares,
        "http_request": _described_request(request.http_request),
        "client_ip": request.http_request.address,
        "found": [],
    }


def _is_user(kept: Any) -> bool:
    """Whether a value of a context is a user, as `Person.in_context` describes one."""
    return isinstance(kept, dict) and all(isinstance(kept.get(name), str) for name in ("pk", "username"))


def _described(user: Person | None, request: PolicyRequest) -> dict[str, Any] | None:
    if user is None:
        return None
    # A user whom a stage has authenticated has a backend.
    backend = request.context.get(BACKEND)
    return {**described(user), **({} if backend is None else {"backend": backend})}


def _described_request(http_request: HttpRequest) -> dict[str, Any]:
    headers = {name: http_request.header(name.lower()) for name in _HEADERS}
    address = {"REMOTE_ADDR": http_request.address, "HTTP_USER_AGENT": headers["User-Agent"]}
    return {"method": http_request.method, "headers": headers, "META": address}
