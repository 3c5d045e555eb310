"""The operations that run flows."""

from typing import Any

from app.domain import RequestContext
from app.executor.run import run
from app.store import Store


def flows_executor_get(store: Store, flow_slug: str, query: str, request: RequestContext) -> Any:  # noqa: ARG001  # read with its order
    """The challenge of a flow. :raises NotFound: there is no such flow"""
    return run(store, flow_slug, request.exchange, None)


def flows_executor_solve(store: Store, flow_slug: str, query: str, body: Any, request: RequestContext) -> Any:  # noqa: ARG001
    """Take the response to a challenge. :raises NotFound: there is no such flow"""
    return run(store, flow_slug, request.exchange, body)
