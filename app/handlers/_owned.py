"""Objects that belong to users: `owner` in `x-collections`. Callers other than superusers see their own only."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from app.domain import RequestContext
from app.store import Store
from app.store.queries.view import OWNER

_REQUEST = "request"


def own_only(request: RequestContext) -> Mapping[str, Any]:
    """The filter of the objects that the caller may see; none for a superuser."""
    return {} if request.superuser else {OWNER: request.user}


def limited(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a handler to the objects that the caller may see."""
    signature = inspect.signature(handler)
    takes_request = _REQUEST in signature.parameters

    @wraps(handler)
    def found(store: Store, request: RequestContext, filters: Mapping[str, Any] = {}, **arguments: Any) -> Any:
        known = {**arguments, _REQUEST: request} if takes_request else arguments
        return handler(store, filters={**filters, **own_only(request)}, **known)

    if not takes_request:
        request = inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY)
        signature = signature.replace(parameters=[*signature.parameters.values(), request])
    found.__signature__ = signature  # type: ignore[attr-defined]
    return found
