"""Removal of the extensions that serve a request without ASGI messages, for middleware that has to see each request."""

from starlette.types import Scope

from app.contract.serve.asgi import WHOLE


def each_request(scope: Scope) -> Scope:
    """A scope without the state of the lifespan, by which a server would bypass the middleware for some requests."""
    return {**scope, "state": {}} if scope["type"] == "lifespan" else scope


def inspected(scope: Scope) -> Scope:
    """A scope without the extension by which the headers of a response would bypass the middleware."""
    extensions = scope.get("extensions") or {}
    if WHOLE not in extensions:
        return scope
    return {**scope, "extensions": {name: value for name, value in extensions.items() if name != WHOLE}}
