"""`/contract/`: coverage by clients, and recorded traffic."""

import orjson
from flask import Blueprint, Response, render_template, request

from app.contract.serve.compiled_contract import ActiveContract
from app.pages.coverage import covered_tags, rule_places
from app.pages.superusers import done, require_superuser
from app.recording.har import archive
from app.recording.recorder import Recorder
from app.store import Store


def recording(recorder: Recorder, store: Store, active_contract: ActiveContract) -> Blueprint:
    """The pages of a recorder. Those that show or change data require a superuser.

    :param recorder: the recorder to show
    :param store: the store of the tokens
    :param active_contract: the contract with the places of rules
    """
    page = Blueprint("recording", __name__, url_prefix="/contract", template_folder="templates")

    @page.get("/coverage/")
    def coverage_page() -> str:
        coverage, contract = recorder.coverage(), active_contract.contract
        called = "called" in request.args
        return render_template(
            "coverage.html",
            coverage=coverage,
            called=called,
            tags=covered_tags(contract, coverage, called=called),
            places=rule_places(contract, coverage),
        )

    @page.get("/coverage.json")
    def coverage() -> Response:
        return _json(recorder.coverage())

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


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_INDENT_2), content_type="application/json")
