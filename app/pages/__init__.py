"""The pages for people, a Flask application: home, documentation, the contract itself, health."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn

from a2wsgi import WSGIMiddleware
from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect

from app.contract.edition import Current
from app.metrics import Metrics
from app.pages.contract import contract_browser
from app.pages.documentation import documentation
from app.pages.health import health
from app.pages.home import home
from app.pages.markup import marked_up
from app.pages.media import media
from app.pages.metrics import metrics
from app.pages.policy import add_headers
from app.pages.recording import recording
from app.pages.schema import schema
from app.recording.recorder import Recorder
from app.settings import Settings
from app.store import Store

Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Any, Any], Awaitable[None]]

# So many slow readers may hold up pages before the next one waits. They are begun when they are needed.
THREADS = 10


def create_app(
    current: Current, store: Store, settings: Settings, counted: Metrics, recorder: Recorder | None
) -> ASGIApp:
    """The pages as an ASGI application.

    :param current: the contract that the pages tell of
    :param store: what the health page asks
    :param settings: say who may read the metrics
    :param counted: what the metrics are of
    :param recorder: what shows what clients exercise; None if nothing is recorded
    """
    flask = _Pages(__name__, static_url_path="/-/static")
    flask.add_template_filter(marked_up)
    flask.context_processor(
        lambda: {
            "info": current.source.document["info"],
            "mistakes": current.mistakes,
            "recorded": recorder is not None,
        }
    )
    base_path = current.source.base_path
    flask.register_blueprint(home(current, base_path))
    flask.register_blueprint(contract_browser(current, base_path))
    flask.register_blueprint(documentation())
    flask.register_blueprint(schema(current), url_prefix=base_path)
    flask.register_blueprint(health(store))
    flask.register_blueprint(media(store))
    if settings.metrics == "on":
        flask.register_blueprint(metrics(counted, store, settings.metrics_token))
    if recorder is not None:
        flask.register_blueprint(recording(recorder, store))
    flask.register_error_handler(HTTPException, _answer_error)
    flask.after_request(add_headers)
    adapted: ASGIApp = WSGIMiddleware(flask, workers=THREADS)

    async def app(scope: Scope, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        # No page reads a body, so none is taken in.
        await adapted(scope, _no_body, send)

    return app


class _Pages(Flask):
    """A path without its slash is not found, as in the API; Flask would redirect to an absolute URL."""

    def raise_routing_exception(self, request: Request) -> NoReturn:
        if isinstance(request.routing_exception, RequestRedirect):
            raise NotFound
        super().raise_routing_exception(request)


async def _no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _answer_error(error: HTTPException) -> Response:
    """Errors as JSON, as the API has them."""
    sentence = "Not found." if error.code == 404 else error.description
    if error.code == 405:
        sentence = f'Method "{request.method}" not allowed.'
    response = jsonify({"detail": sentence})
    response.status_code = error.code or 500
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response
