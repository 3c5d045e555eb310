"""`/`: what this server is, and the operations it serves."""

from typing import Any

from flask import Blueprint, render_template

from app.contract.edition import Current
from app.contract.source import Source


def home(current: Current, base_path: str) -> Blueprint:
    """The home page. It tells of a contract that was saved and can't be served, too."""
    page = Blueprint("home", __name__, template_folder="templates")

    @page.get("/")
    def index() -> str:
        contract = current.source
        return render_template(
            "home.html",
            info=contract.document["info"],
            operations=_operations(contract, base_path),
            base_path=base_path,
            mistakes=current.mistakes,
        )

    return page


def _operations(contract: Source, base_path: str) -> list[dict[str, Any]]:
    return [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": base_path + path,
            "summary": operation.get("summary", ""),
            "permissions": operation.get("x-required-permissions", []),
        }
        for _, path, method, operation in contract.operations()
    ]
