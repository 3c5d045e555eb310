"""`/`: what this server is, where to begin, and the operations it serves."""

from flask import Blueprint, render_template

from app.contract.source import Source
from app.pages.operations import by_tag


def home(contract: Source, base_path: str) -> Blueprint:
    """The home page."""
    page = Blueprint("home", __name__)

    @page.get("/")
    def index() -> str:
        return render_template("home.html", tags=by_tag(contract, base_path), base_path=base_path)

    return page
