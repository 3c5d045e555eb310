"""`/contract/`: all operations, schemas and files of the contract that is served."""

from flask import render_template

from app.contract.document.contract import Contract
from app.pages.contract.places import path_of
from app.pages.operations import by_tag


def overview(contract: Contract, base_path: str) -> str:
    """The page with everything. :param base_path: what the paths of the contract begin with"""
    return render_template(
        "contract/overview.html",
        tags=by_tag(contract, base_path),
        schemas=sorted(contract.document.get("components", {}).get("schemas", {})),
        permissions=contract.document.get("x-permissions", {}),
        files=[(contract.public(name), path_of(contract, name)) for name in contract.texts],
    )
