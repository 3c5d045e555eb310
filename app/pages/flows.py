"""`/flows/`: the stored flows, each with its diagram and its bindings.

A page without a token asks for one. Its script sends the token with a request for the same page.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.exceptions import Forbidden

from app import errors
from app.contract.request.authentication import PERMISSION_DENIED
from app.contract.request.query import search_terms
from app.diagrams.diagram import flowchart, mermaid, name_of
from app.diagrams.drawing import Drawing, draw
from app.domain import RequestContext, SortKey
from app.pages.policy import WITH_SCRIPTS
from app.pages.superusers import caller
from app.representations.uses import visible_bindings
from app.store import Store
from app.store.collections.flow_tree import Structure
from app.store.queries.listing import PageRequest

# The number of flows on a page, each with its drawing.
_SIZE = 20

# The number of nodes and edges of the largest flow that is drawn, so that no page exceeds some MB.
_DRAWN = 200


class ShownFlow(NamedTuple):
    """A flow on a page.

    :param drawing: its diagram; None if it is too large
    :param text: the diagram for Mermaid
    """

    structure: Structure
    drawing: Drawing | None
    text: str


def flows(store: Store) -> Blueprint:
    """The pages of the stored flows, for those who may see them.

    :param store: the store of the flows and the tokens
    """
    page = Blueprint("flows", __name__, url_prefix="/flows")

    @page.get("/")
    def overview() -> Response:
        return _for_caller(store, _list)

    @page.get("/<slug>/")
    def flow(slug: str) -> Response:
        return _for_caller(store, lambda store, context: {"flows": [_shown(store, context, slug)], "slug": slug})

    return page


def _for_caller(store: Store, content: Callable[[Store, RequestContext], dict[str, Any]]) -> Response:
    """A page for the sender of the request, or one that asks for a token."""
    if "Authorization" not in request.headers:
        return _page("flows/sign_in.html", 200, {"message": ""})
    try:
        access = caller(store)
        context = RequestContext(access.name, access.superuser, access.permissions, "")
        if (collection := store.collections.get("flows")) is None or not context.sees(collection):
            raise Forbidden(PERMISSION_DENIED)
    except Forbidden as error:
        return _page("flows/sign_in.html", 403, {"message": error.description})
    try:
        values = content(store, context)
    except (errors.NotFound, errors.PageNotFound):
        abort(404)
    return _page("flows/flows.html", 200, {**values, "kind": partial(name_of, models=store.models)})


def _list(store: Store, context: RequestContext) -> dict[str, Any]:
    search, number = request.args.get("search", ""), request.args.get("page", 1, int)
    found = store.flows.page(PageRequest({}, search_terms(search), [SortKey("slug")], number, _SIZE))
    shown = []
    for flow in found.rows:
        # It may have been deleted meanwhile.
        with contextlib.suppress(errors.NotFound):
            shown.append(_shown(store, context, flow.slug))
    return {
        "flows": shown,
        "count": found.count,
        "search": search,
        "previous": number - 1,
        "next": number + 1 if number * _SIZE < found.count else 0,
    }


def _shown(store: Store, context: RequestContext, slug: str) -> ShownFlow:
    """:raises NotFound: there is no such flow"""
    structure = visible_bindings(store.structures.get(slug), context, store.collections)
    lines = flowchart(structure, store.models)
    return ShownFlow(structure, draw(lines), mermaid(lines)) if len(lines) <= _DRAWN else ShownFlow(structure, None, "")


def _page(template: str, status: int, values: Mapping[str, Any]) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    # It depends on the token, and shows data.
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Authorization")
    return response
