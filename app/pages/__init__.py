"""The web pages, a Flask application: home, documentation, the contract itself, health."""

import importlib.metadata
from functools import cached_property, partial
from typing import NoReturn

from flask import Flask, Request, Response, abort, jsonify, make_response, redirect, render_template, request
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect

from app import errors
from app.contract.document.code_frames import CodeFrame
from app.contract.document.contract import Contract
from app.contract.response import responses
from app.contract.serve.asgi import CONTRACT
from app.contract.serve.compiled_contract import ActiveContract
from app.exchanges import Interpreters
from app.metrics import Metrics
from app.pages import health, metrics
from app.pages.adapter import Adapter
from app.pages.contract import contract_browser
from app.pages.documentation import documentation
from app.pages.flows import flows
from app.pages.home import NO_PATH, home, is_browser
from app.pages.interface import interface
from app.pages.interface.page import FlowPage
from app.pages.markup import breakable, marked_up
from app.pages.media import media
from app.pages.outbox import outbox
from app.pages.policy import add_headers
from app.pages.recording import nothing_recorded, recording
from app.pages.running import running
from app.pages.schema import schema
from app.pages.snapshots import snapshots
from app.pages.versions import versions
from app.pages.watch import KNOWN, Watch, state_of
from app.recording.recorder import Recorder
from app.settings import Settings
from app.store import Store


def create_app(
    active_contract: ActiveContract,
    store: Store,
    settings: Settings,
    counted: Metrics,
    recorder: Recorder | None,
    interpreters: Interpreters | None = None,
) -> ASGIApp:
    """Create the pages as an ASGI application.

    :param active_contract: the contract to show
    :param store: the source of files, and of the health state
    :param settings: with the token for the metrics
    :param counted: the counters for the metrics
    :param recorder: the recorder to show; None if nothing is recorded
    :param interpreters: evaluate expressions of policies; None if they are off
    """
    adapter, watch = Adapter(_flask(active_contract, store, settings, counted, recorder, interpreters)), Watch(store)
    flow_page = FlowPage(adapter, active_contract, settings.json_limit)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Only the page of a flow reads a body.
        if scope["type"] != "http":
            return
        match scope["path"]:
            case health.LIVE:
                await adapter.respond_here(scope, send, {})
            case health.READY:
                await adapter.respond_here(scope, send, {KNOWN: await watch.ask(store.migrated)})
            case metrics.PATH:
                await adapter.respond_here(scope, send, {KNOWN: await watch.ask(partial(state_of, store))})
            case _:
                if not await flow_page.respond(scope, receive, send):
                    await adapter.respond(scope, send, {CONTRACT: scope.get(CONTRACT)})

    return app


def _flask(
    active_contract: ActiveContract,
    store: Store,
    settings: Settings,
    counted: Metrics,
    recorder: Recorder | None,
    interpreters: Interpreters | None,
) -> Flask:
    """Create the Flask application. The arguments are those of `create_app`."""
    base_path = active_contract.contract.base_path
    flask = _Pages(base_path)
    version = importlib.metadata.version("flows-server")
    flask.add_template_filter(marked_up)
    flask.add_template_filter(breakable)
    flask.context_processor(
        lambda: {
            "info": active_contract.contract.document["info"],
            "mistakes": [_public(active_contract.contract, frame) for frame in active_contract.findings],
            "version": version,
            "recorded": recorder is not None,
        }
    )
    flask.register_blueprint(home(active_contract, base_path))
    flask.register_blueprint(contract_browser(active_contract, base_path))
    flask.register_blueprint(versions(active_contract, settings, recorder))
    flask.register_blueprint(flows(store))
    flask.register_blueprint(documentation())
    flask.register_blueprint(schema(active_contract), url_prefix=base_path)
    flask.register_blueprint(health.health())
    flask.register_blueprint(media(store))
    flask.register_blueprint(running(store, interpreters))
    flask.register_blueprint(interface())
    flask.register_blueprint(outbox(store))
    if settings.metrics == "on":
        flask.register_blueprint(metrics.metrics(counted, settings.metrics_token))
    flask.register_blueprint(snapshots(store, settings.workers))
    if recorder is not None:
        flask.register_blueprint(recording(recorder, store, active_contract))
    else:
        flask.register_blueprint(nothing_recorded())
    flask.register_error_handler(HTTPException, _render_error)
    flask.register_error_handler(errors.Unavailable, _render_unavailable)
    flask.after_request(add_headers)
    return flask


def _public(contract: Contract, frame: CodeFrame) -> tuple[str, str, str, str]:
    """The parts of an error on a page: place, problem, remedy, and code frame."""
    finding = frame.finding
    return contract.public(str(finding.location)), contract.public(finding.problem), finding.remedy, frame.lines


class _Pages(Flask):
    """Redirects from `/docs` to `/docs/`. Flask would redirect to an absolute URL, also from paths for clients; and no header may
    repeat a part of a path that a client made up.

    :param base_path: of the API
    """

    def __init__(self, base_path: str) -> None:
        super().__init__(__name__, static_url_path="/-/static")
        self._base_path = base_path

    def raise_routing_exception(self, request: Request) -> NoReturn:
        if isinstance(request.routing_exception, RequestRedirect):
            path = f"{request.path}/"
            if path not in self._pages:
                raise NotFound
            abort(redirect(request.root_path + path, 308))
        super().raise_routing_exception(request)

    @cached_property
    def _pages(self) -> frozenset[str]:
        """The paths of HTML pages."""
        for_clients = ("/-/", f"{self._base_path or '/-'}/")
        paths = (rule.rule for rule in self.url_map.iter_rules() if not rule.arguments)
        return frozenset(path for path in paths if not path.startswith(for_clients))


def _render_unavailable(_error: errors.Unavailable) -> Response:
    response = jsonify({"detail": responses.UNAVAILABLE})
    response.status_code = 503
    response.headers["Retry-After"] = responses.RETRY_AFTER.decode()
    return response


def _render_error(error: HTTPException) -> Response:
    """An error response: a page for a browser, and else JSON in the format of the API."""
    message = error.description or error.name
    if isinstance(error, NotFound) and error.description in (NotFound.description, NO_PATH):
        message = "Not found."
        if request.url_rule is None or error.description == NO_PATH:
            # The message for a missing object does not apply.
            message = NO_PATH if request.path.endswith("/") else f"{NO_PATH} Each path ends with a slash."
    elif error.code == 405:
        message = f'Method "{request.method}" not allowed.'
    if is_browser():
        response = make_response(render_template("error.html", name=error.name, code=error.code, message=message))
    else:
        response = jsonify({"detail": message})
    response.status_code = error.code or 500
    response.vary.add("Accept")
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response
