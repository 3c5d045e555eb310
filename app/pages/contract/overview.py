"""`/contract/`: all operations, schemas and files of the active contract."""

from dataclasses import replace

from flask import render_template

from app.contract.document.contract import Contract
from app.pages.contract.places import path_of
from app.pages.operations import Operation, Tag, by_tag


def overview(contract: Contract, base_path: str, search: str) -> str:
    """The overview page.

    :param base_path: of the API
    :param search: a text that the listed parts contain in upper or lower case; empty for all parts
    """
    wanted = search.lower()
    schemas = contract.document.get("components", {}).get("schemas", {})
    permissions = contract.document.get("x-permissions", {})
    return render_template(
        "contract/overview.html",
        search=search,
        tags=_found(by_tag(contract, base_path), wanted),
        schemas=sorted(name for name in schemas if wanted in name.lower()),
        permissions={name: meaning for name, meaning in permissions.items() if wanted in f"{name} {meaning}".lower()},
        files=[(contract.public(name), path_of(contract, name)) for name in contract.texts if wanted in name.lower()],
    )


def _found(tags: list[Tag], wanted: str) -> list[Tag]:
    """The operations that contain a text in their path, name, summary or permissions."""

    def matches(path: str, operation: Operation) -> bool:
        return wanted in " ".join((path, operation.name, operation.summary, *operation.permissions)).lower()

    found = []
    for tag in tags:
        paths = {path: [one for one in operations if matches(path, one)] for path, operations in tag.paths.items()}
        found.append(replace(tag, paths={path: operations for path, operations in paths.items() if operations}))
    return [tag for tag in found if tag.paths]
