"""Flask by hand: nothing is validated, statements are compiled, orjson writes the answers."""

from typing import Any

import orjson
from flask import Flask, Response, abort, request

from app import errors
from app.store.collections.flows import Flows
from app.store.engine.factory import open_database
from bench.peers import contract
from bench.peers.access import Access

# Columns by the query parameter that filters on them.
_FILTERS = {
    "flow_uuid": "pk",
    "name": "name",
    "slug": "slug",
    "designation": "designation",
    "denied_action": "denied_action",
}


def create_app(database_url: str) -> Flask:
    """The WSGI application on a database."""
    database = open_database(database_url)
    flows = Flows(database, contract.SEARCHED)
    access = Access(database)
    app = Flask(__name__, static_folder=None)

    def require(permissions: frozenset[str]) -> None:
        if not access.allows(request.headers.get("Authorization"), permissions):
            abort(_json({"detail": contract.FORBIDDEN}, 403))

    @app.get(contract.BASE)
    def list_flows() -> Response:
        require(contract.VIEW)
        query = request.args
        page = query.get("page", 1, int)
        size = query.get("page_size", contract.DEFAULT_PAGE_SIZE, int)
        size = size if size >= 1 else contract.DEFAULT_PAGE_SIZE
        if page < 1:
            raise errors.PageNotFound
        found = flows.page(
            {column: value for name, column in _FILTERS.items() if (value := query.get(name, "").strip())},
            contract.terms(query.get("search", "")),
            contract.sort_keys(query.get("ordering", contract.DEFAULT_ORDERING)),
            page,
            size,
        )
        return _json(
            {
                "pagination": contract.pagination(found.count, page, size),
                "results": [contract.represent(flow) for flow in found.flows],
            }
        )

    @app.get(contract.BASE + "<slug>/")
    def retrieve_flow(slug: str) -> Response:
        require(contract.VIEW)
        return _json(contract.represent(flows.get(slug)))

    @app.post(contract.BASE)
    def create_flow() -> Response:
        require(contract.ADD)
        return _json(contract.represent(flows.add(contract.DEFAULTS | _properties())), 201)

    @app.patch(contract.BASE + "<slug>/")
    def change_flow(slug: str) -> Response:
        require(contract.CHANGE)
        return _json(contract.represent(flows.change(slug, _properties())))

    @app.errorhandler(errors.NotFound)
    def missing(_error: errors.NotFound) -> Response:
        return _json({"detail": contract.NOT_FOUND}, 404)

    @app.errorhandler(errors.PageNotFound)
    def page_missing(_error: errors.PageNotFound) -> Response:
        return _json({"detail": contract.INVALID_PAGE}, 404)

    @app.errorhandler(errors.NotUnique)
    def taken(_error: errors.NotUnique) -> Response:
        return _json(contract.SLUG_TAKEN, 400)

    return app


def _properties() -> dict[str, Any]:
    return contract.settable(orjson.loads(request.get_data(cache=False)))


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, content_type="application/json")
