"""`/`: what this server is, where to begin, and the operations it serves."""

from flask import Blueprint, render_template, request

from app.contract.edition import Current
from app.contract.origin import origin_of
from app.pages.operations import by_tag


def home(current: Current, base_path: str) -> Blueprint:
    """The home page."""
    page = Blueprint("home", __name__)

    @page.get("/")
    def index() -> str:
        url = origin_of(request.environ["asgi.scope"]) + base_path
        return render_template("home.html", tags=by_tag(current.source, base_path), url=url)

    return page
