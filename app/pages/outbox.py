"""`/outbox/`: the e-mails that were kept, or could not be sent. Their links log users in, so that only superusers see them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import Forbidden

from app.pages.policy import WITH_SCRIPTS
from app.pages.superusers import done, require_superuser
from app.store import Store
from app.store.collections.mails import Mail

_LINK = re.compile(r"https?://\S+")


def outbox(store: Store) -> Blueprint:
    """The page of the outbox, and the same as JSON. :param store: the store of the e-mails and the tokens"""
    page = Blueprint("outbox", __name__)

    @page.get("/outbox/")
    def show() -> Response:
        if "Authorization" not in request.headers:
            return _page(200, {"mails": None, "message": ""})
        try:
            require_superuser(store)
        except Forbidden as error:
            return _page(403, {"mails": None, "message": error.description})
        return _page(200, {"mails": [_shown(mail) for mail in store.mails.all()]})

    @page.get("/outbox.json")
    def list_all() -> Response:
        require_superuser(store)
        content = orjson.dumps([_shown(mail) for mail in store.mails.all()], option=orjson.OPT_INDENT_2)
        response = Response(content, content_type="application/json")
        response.headers["Cache-Control"] = "no-store"
        return response

    @page.delete("/outbox.json")
    def clear() -> Response:
        require_superuser(store)
        return done(store.mails.clear)

    return page


def _shown(mail: Mail) -> dict[str, Any]:
    """An e-mail, with its last link: the user's name, which comes before, may contain another one."""
    links = _LINK.findall(mail.plain)
    return {
        "created": datetime.fromtimestamp(mail.created, UTC).isoformat().replace("+00:00", "Z"),
        "name": mail.name,
        "address": mail.address,
        "subject": mail.subject,
        "state": mail.state,
        "reason": mail.reason,
        "link": links[-1] if links else "",
        "plain": mail.plain,
        "html": mail.html,
    }


def _page(status: int, values: Mapping[str, Any]) -> Response:
    response = make_response(render_template("outbox.html", **values), status)
    response.headers["Content-Security-Policy"] = WITH_SCRIPTS
    # It depends on the token, and has credentials.
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Authorization")
    return response
