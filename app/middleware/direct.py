"""The extensions that serve a request without ASGI messages, for middleware that has to see each request."""

from starlette.types import Scope

from app.contract.serve.asgi import WHOLE


def each_request(scope: Scope) -> Scope:
    """A scope by which each request passes through the middleware. The lifespan's state would let it begin elsewhere."""
    return {**scope, "state": {}} if scope["type"] == "lifespan" else scope


def inspected(scope: Scope) -> Scope:
    """A scope by which the headers of each response pass through the middleware."""
    extensions = scope.get("extensions") or {}
    if WHOLE not in extensions:
        return scope
    return {**scope, "extensions": {name: value for name, value in extensions.items() if name != WHOLE}}
