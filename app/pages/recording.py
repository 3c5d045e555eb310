"""`/contract/`: coverage by clients, recorded traffic, and snapshots of the store for tests."""

from collections.abc import Callable

import orjson
from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import Conflict, Forbidden

from app import errors
from app.contract.request import authentication as security
from app.recording.har import archive
from app.recording.recorder import Recorder
from app.store import Store


def recording(recorder: Recorder, store: Store) -> Blueprint:
    """The pages of a recorder. Those that show or change data require a superuser.

    :param recorder: the recorder to show
    :param store: the store of the snapshots and the tokens
    """
    page = Blueprint("recording", __name__, url_prefix="/contract", template_folder="templates")

    @page.get("/coverage/")
    def coverage_page() -> str:
        return render_template("coverage.html", coverage=recorder.coverage())

    @page.get("/coverage.json")
    def coverage() -> Response:
        return _json(recorder.coverage())

    @page.get("/traffic.har")
    def traffic() -> Response:
        _require_superuser(store)
        response = _json(archive(recorder.exchanges()))
        response.headers["Content-Disposition"] = 'attachment; filename="traffic.har"'
        return response

    @page.delete("/traffic.har")
    def forget() -> Response:
        _require_superuser(store)
        return _done(recorder.forget)

    @page.post("/reset")
    def reset() -> Response:
        _require_superuser(store)
        return _done(recorder.reset)

    @page.post("/snapshot")
    def snapshot() -> Response:
        _require_superuser(store)
        return _done(store.snapshot.take)

    @page.post("/restore")
    def restore() -> Response:
        _require_superuser(store)
        return _done(store.snapshot.put_back)

    return page


def _require_superuser(store: Store) -> None:
    """:raises Forbidden: the sender of the request is no superuser, or unknown"""
    verify = security.BearerSecurityHandler(store.tokens.find).get_fn({}, [])
    try:
        access = verify(request.headers.get("Authorization"))
    except security.Forbidden as error:
        raise Forbidden(str(error)) from error
    if not access.superuser:
        raise Forbidden(security.PERMISSION_DENIED)


def _done(change: Callable[[], None]) -> Response:
    try:
        change()
    except errors.StoreUnusable as error:
        raise Conflict(str(error)) from error
    return Response(status=204)


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_INDENT_2), content_type="application/json")
