"""Requests as handlers see them."""

from app.contract.compile.plan import Plan
from app.contract.request.authentication import Missing
from app.contract.request.negotiation import accepts, names_json
from app.contract.request.origin import url_of
from app.contract.serve.request import Request
from app.domain import RequestContext
from app.exchanges import Exchange


def context_of(request: Request, exchange: Exchange | None = None) -> RequestContext:
    """The context of a request for handlers. :param exchange: the request itself, for operations with `x-challenges`"""
    access = request.access
    return RequestContext(
        access.name if access else "",
        access.superuser if access else False,
        access.permissions if access else frozenset(),
        url_of(request.scope),
        access.user if access else "",
        access.expires if access else 0,
        access.session if access else None,
        request,
        exchange,
    )


def exchange_of(plan: Plan, request: Request) -> Exchange:
    """The request for a handler that reports all failures itself."""

    def authenticate() -> RequestContext:
        try:
            request.access = plan.verify(request) if plan.verify is not None else None
        except Missing:
            request.access = None
        return context_of(request)

    acceptable = (request.accept is None or accepts(request.accept, "application/json")) and (
        b"format=" not in request.query or names_json(request.query)
    )
    query = request.query.decode("latin-1")
    return Exchange(
        request.id,
        request.root,
        request.seen_path,
        query,
        acceptable,
        request,
        authenticate,
        request.compute,
        request.postman,
    )
