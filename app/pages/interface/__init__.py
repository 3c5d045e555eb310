"""`/if/flow/<slug>/`: a page that runs a flow for a person."""

from typing import NoReturn

import orjson
from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.exceptions import ServiceUnavailable

from app.executor.challenges import ACCESS_DENIED, FLOW_ERROR, REDIRECT
from app.executor.redirects import is_own
from app.pages.home import NO_PATH
from app.pages.interface.in_process import ApiResponse
from app.pages.interface.page import TURN, Turn
from app.pages.interface.shown import ShownChallenge
from app.pages.policy import WITH_SCRIPTS

# The last challenges of a flow: another request begins a new one.
_ONCE = frozenset({ACCESS_DENIED, FLOW_ERROR, REDIRECT})
# Seconds.
_RETRY_AFTER = 1


def interface() -> Blueprint:
    """The page. `FlowPage` puts the data of the page into the environment."""
    page = Blueprint("interface", __name__)

    @page.route("/if/flow/<slug>/", methods=["GET", "POST"])
    def run_flow(slug: str) -> Response:  # noqa: ARG001  # `FlowPage` reads it
        turn: Turn | None = request.environ.get(TURN)
        if turn is None:
            abort(404, NO_PATH)
        response = _response(turn)
        for value in turn.response.all(b"set-cookie"):
            response.headers.add("Set-Cookie", value)
        response.headers["Cache-Control"] = "no-store"
        return response

    return page


def _response(turn: Turn) -> Response:
    api = turn.response
    if api.status == 302:
        return _again()
    if api.status != 200:
        _fail(api)
    shown = ShownChallenge(orjson.loads(api.body), turn.typed)
    if shown.component == REDIRECT and is_own(shown.challenge["to"]):
        return _redirect(shown.challenge["to"])
    if request.method == "POST" and not (turn.notice or shown.is_wrong or shown.component in _ONCE):
        return _again()
    content = render_template(
        [*shown.templates], shown=shown, challenge=shown.challenge, token=turn.token, notice=turn.notice
    )
    response = make_response(content, 403 if turn.notice else 200)
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    return response


def _again() -> Response:
    """A redirect to the page, for the next challenge."""
    query = request.query_string.decode("latin-1")
    return _redirect(request.root_path + request.path + (f"?{query}" if query else ""))


def _redirect(url: str) -> Response:
    response = Response("", 303, content_type="text/html; charset=utf-8")
    response.autocorrect_location_header = False
    response.headers["Location"] = url
    return response


def _fail(response: ApiResponse) -> NoReturn:
    """End a request that the API has rejected. :raises HTTPException:"""
    detail = orjson.loads(response.body)["detail"] if response.body else None
    if response.status == 503:
        raise ServiceUnavailable(detail, retry_after=_RETRY_AFTER)
    abort(response.status, detail)
