"""`/`: what this server is, where to begin, and the operations it serves."""

from flask import Blueprint, render_template

from app.contract.edition import Current
from app.pages.operations import by_tag


def home(current: Current, base_path: str) -> Blueprint:
    """The home page."""
    page = Blueprint("home", __name__)

    @page.get("/")
    def index() -> str:
        return render_template("home.html", tags=by_tag(current.source, base_path), base_path=base_path)

    return page
