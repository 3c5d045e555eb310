"""`/contract/`: all operations, schemas and files of the active contract."""

from flask import render_template

from app.contract.document.contract import Contract
from app.pages.contract.places import path_of
from app.pages.operations import by_tag


def overview(contract: Contract, base_path: str) -> str:
    """The overview page. :param base_path: of the API"""
    return render_template(
        "contract/overview.html",
        tags=by_tag(contract, base_path),
        schemas=sorted(contract.document.get("components", {}).get("schemas", {})),
        permissions=contract.document.get("x-permissions", {}),
        files=[(contract.public(name), path_of(contract, name)) for name in contract.texts],
    )
