"""`/flows/-/`: paths for browsers that run flows: cancel a flow, and find the default flow of a designation."""

from flask import Blueprint, Response, abort, request

from app.exchanges import Interpreters
from app.executor.beginning import cancel, default_flow
from app.pages.home import NO_PATH
from app.pages.senders import Sender
from app.store import Store


def running(store: Store, interpreters: Interpreters | None) -> Blueprint:
    """The paths.

    :param store: the store of flows and sessions
    :param interpreters: evaluate expressions of policies; None if they are off
    """
    page = Blueprint("running", __name__)

    @page.get("/flows/-/cancel/")
    def cancel_flow() -> Response:
        response = _redirect("/flows/-/default/invalidation/")
        for name, value in cancel(store, Sender(request)):
            response.headers.add(name.decode(), value.decode())
        return response

    @page.get("/flows/-/default/<designation>/")
    def default(designation: str) -> Response:
        slug = default_flow(store, Sender(request, interpreters), designation)
        if slug is None:
            abort(404, NO_PATH)
        query = request.query_string.decode("latin-1")
        return _redirect(f"/if/flow/{slug}/" + (f"?{query}" if query else ""))

    return page


def _redirect(path: str) -> Response:
    """A redirect to a path of this server, as seen by the client."""
    response = Response("", 302, content_type="text/html; charset=utf-8")
    response.autocorrect_location_header = False
    response.headers["Location"] = request.root_path + path
    return response
