"""The pages of the contract: each part with its place and its uses."""

from flask import Blueprint, Response, request

from app.contract.serve.compiled_contract import ActiveContract
from app.pages.contract import files, operation, overview, schema


def contract_browser(active_contract: ActiveContract, base_path: str) -> Blueprint:
    """The pages of the contract.

    :param active_contract: the contract to show
    :param base_path: of the API
    """
    pages = Blueprint("contract", __name__, url_prefix="/contract")

    @pages.get("/", endpoint="overview")
    def _overview() -> str:
        return overview.overview(active_contract.contract, base_path, request.args.get("search", "").strip())

    @pages.get("/operations/<name>/", endpoint="operation")
    def _operation(name: str) -> str:
        return operation.operation(active_contract.contract, base_path, name)

    @pages.get("/schemas/<name>/", endpoint="schema")
    def _schema(name: str) -> str:
        return schema.schema(active_contract.contract, name)

    @pages.get("/files/<path:path>", endpoint="file")
    def _file(path: str) -> str:
        return files.file(active_contract.contract, path)

    @pages.get("/raw/<path:path>", endpoint="raw_file")
    def _raw_file(path: str) -> Response:
        return files.raw_file(active_contract.contract, path)

    return pages
