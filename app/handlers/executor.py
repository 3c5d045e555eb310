"""The operations that run flows."""

from typing import Any

from app.domain import RequestContext
from app.exchanges import Reply
from app.executor.inspector import inspection
from app.executor.responding import run
from app.executor.sessions import ClientSessions
from app.store import Store


def flows_executor_get(store: Store, flow_slug: str, query: str, request: RequestContext) -> Any:  # noqa: ARG001  # read with its order
    """The challenge of a flow. :raises NotFound: there is no such flow"""
    return run(store, flow_slug, request.exchange, None)


def flows_executor_solve(store: Store, flow_slug: str, query: str, body: Any, request: RequestContext) -> Any:  # noqa: ARG001
    """Take the response to a challenge. :raises NotFound: there is no such flow"""
    return run(store, flow_slug, request.exchange, body)


def flows_inspector_get(store: Store, flow_slug: str, request: RequestContext) -> Any:
    """The plans of the session. :raises NotFound: there is no such flow"""
    store.flows.get(flow_slug)
    found = inspection(store, ClientSessions(store).read(request.credentials))
    return Reply(None, 400) if found is None else found
