"""The contract to look through, part by part: where each is, and what it is used by."""

from flask import Blueprint, Response

from app.contract.serve.edition import Current
from app.pages.contract import files, operation, overview, schema


def contract_browser(current: Current, base_path: str) -> Blueprint:
    """The pages of the contract.

    :param current: what they show
    :param base_path: what its paths begin with
    """
    pages = Blueprint("contract", __name__, url_prefix="/contract")

    @pages.get("/", endpoint="overview")
    def _overview() -> str:
        return overview.overview(current.source, base_path)

    @pages.get("/operations/<name>/", endpoint="operation")
    def _operation(name: str) -> str:
        return operation.operation(current.source, base_path, name)

    @pages.get("/schemas/<name>/", endpoint="schema")
    def _schema(name: str) -> str:
        return schema.schema(current.source, name)

    @pages.get("/files/<path:path>", endpoint="file")
    def _file(path: str) -> str:
        return files.file(current.source, path)

    @pages.get("/raw/<path:path>", endpoint="raw_file")
    def _raw_file(path: str) -> Response:
        return files.raw_file(current.source, path)

    return pages
