"""`/`: an introduction of the server, and its operations."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug import Response

from app.contract.request.origin import url_of
from app.contract.serve.compiled_contract import ActiveContract
from app.pages.operations import by_tag

NO_PATH = "There is no such path."

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def home(active_contract: ActiveContract, base_path: str) -> Blueprint:
    """The home page."""
    page = Blueprint("home", __name__)

    @page.get("/")
    def index() -> str:
        url = url_of(request.environ["asgi.scope"]) + base_path
        return render_template("home.html", tags=by_tag(active_contract.contract, base_path), url=url)

    def root() -> Response:
        """Redirect a browser from the API's root to its documentation; other clients get a 404."""
        if not is_browser():
            abort(404, NO_PATH)
        return redirect(url_for("documentation.show"))

    if base_path:
        page.add_url_rule(
            f"{base_path}/", view_func=root, strict_slashes=False, methods=_METHODS, provide_automatic_options=False
        )
    return page


def is_browser() -> bool:
    """Whether the request is for a page to look at: browsers ask for HTML by name, other clients do not."""
    return request.method in ("GET", "HEAD") and "text/html" in request.accept_mimetypes.values()
