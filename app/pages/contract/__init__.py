"""The contract to look through, part by part: where each is, and what it is used by."""

from flask import Blueprint, Response

from app.contract.source import Source
from app.pages.contract import files, operation, overview, schema


def contract_browser(contract: Source, base_path: str) -> Blueprint:
    """The pages of the contract.

    :param contract: what they show
    :param base_path: what its paths begin with
    """
    pages = Blueprint("contract", __name__, url_prefix="/contract")

    @pages.get("/", endpoint="overview")
    def _overview() -> str:
        return overview.overview(contract, base_path)

    @pages.get("/operations/<name>/", endpoint="operation")
    def _operation(name: str) -> str:
        return operation.operation(contract, base_path, name)

    @pages.get("/schemas/<name>/", endpoint="schema")
    def _schema(name: str) -> str:
        return schema.schema(contract, name)

    @pages.get("/files/<path:path>", endpoint="file")
    def _file(path: str) -> str:
        return files.file(contract, path)

    @pages.get("/raw/<path:path>", endpoint="raw_file")
    def _raw_file(path: str) -> Response:
        return files.raw_file(contract, path)

    return pages
