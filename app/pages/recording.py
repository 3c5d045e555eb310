"""`/contract/`: coverage by clients, and recorded traffic."""

from typing import NoReturn

import orjson
from flask import Blueprint, Response, abort, render_template, request
from werkzeug.exceptions import BadRequest

from app.contract.serve.compiled_contract import ActiveContract
from app.pages.coverage import covered_tags, rule_places
from app.pages.superusers import done, require_superuser
from app.recording.har import archive
from app.recording.recorder import Recorder
from app.recording.selection import Selection
from app.store import Store

_OFF = "This server records nothing. Start it with `flows serve --record`, or use `flows dev`."


def nothing_recorded() -> Blueprint:
    """The responses of a server that records nothing, in place of a recorder's pages."""
    page = Blueprint("recording", __name__, url_prefix="/contract")

    @page.route(
        '/<any("coverage", "coverage.json", "traffic", "traffic.har", "reset"):_name>/',
        methods=["GET", "POST", "DELETE"],
        strict_slashes=False,
    )
    def off(_name: str) -> NoReturn:
        abort(404, _OFF)

    return page


def recording(recorder: Recorder, store: Store, active_contract: ActiveContract) -> Blueprint:
    """The pages of a recorder. Those that show or change data require a superuser.

    :param recorder: the recorder to show
    :param store: the store of the tokens
    :param active_contract: the contract with the places of rules
    """
    page = Blueprint("recording", __name__, url_prefix="/contract", template_folder="templates")

    @page.get("/coverage/")
    def coverage_page() -> str:
        selection, contract = _selection(), active_contract.contract
        coverage = recorder.coverage(selection)
        return render_template(
            "coverage.html",
            coverage=coverage,
            called=selection.called,
            tags=covered_tags(contract, coverage),
            places=rule_places(contract, coverage),
        )

    @page.get("/coverage.json")
    def coverage() -> Response:
        return _json(recorder.coverage(_selection()))

    @page.get("/traffic.har")
    def traffic() -> Response:
        require_superuser(store)
        response = _json(archive(recorder.exchanges()))
        response.headers["Content-Disposition"] = 'attachment; filename="traffic.har"'
        return response

    @page.delete("/traffic.har")
    def forget() -> Response:
        require_superuser(store)
        return done(recorder.forget)

    @page.post("/reset/", strict_slashes=False)
    def reset() -> Response:
        require_superuser(store)
        return done(recorder.reset)

    return page


def _selection() -> Selection:
    """What the query of the request selects. :raises BadRequest: there is no such kind of points"""
    given = request.args
    try:
        return Selection(
            operations=given.getlist("operation"),
            tags=given.getlist("tag"),
            kinds=given.getlist("kind"),
            ignored=given.getlist("ignore"),
            called=bool(given.get("called")),
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_INDENT_2), content_type="application/json")
