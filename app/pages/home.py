"""`/`: what this server is, and the operations it serves."""

from flask import Blueprint, render_template

from app.contract.source import Source


def home(contract: Source, base_path: str) -> Blueprint:
    """The home page."""
    page = Blueprint("home", __name__, template_folder="templates")
    operations = [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": base_path + path,
            "summary": operation.get("summary", ""),
            "permissions": operation.get("x-required-permissions", []),
        }
        for _, path, method, operation in contract.operations()
    ]

    @page.get("/")
    def index() -> str:
        return render_template("home.html", info=contract.document["info"], operations=operations, base_path=base_path)

    return page
