"""`/api/v3/schema/`: the contract as one file, or as JSON."""

from typing import Any

import orjson
from flask import Blueprint, Response, request

from app.contract.document.contract import Contract, cached
from app.contract.response.responses import VERSION_VARIES_WITH
from app.contract.serve.asgi import CONTRACT
from app.contract.serve.compiled_contract import ActiveContract

YAML = "application/vnd.oai.openapi"
JSON = "application/vnd.oai.openapi+json"


def schema(active_contract: ActiveContract) -> Blueprint:
    """The path of the contract, as in authentik: YAML, or JSON with `?format=json` or by `Accept`.

    It is that of the version that a request names.
    """
    page = Blueprint("schema", __name__)

    @page.get("/schema/")
    def retrieve() -> Response:
        contract = request.environ.get(CONTRACT) or active_contract.contract
        wanted = request.args.get("format", "")
        accepted = request.accept_mimetypes.best_match([YAML, "application/yaml", JSON, "application/json"], YAML)
        if wanted == "json" or (not wanted and str(accepted).endswith("json")):
            media_type = accepted if not wanted else JSON
            content = _as_json(contract, request.root_path)
            return Response(content, content_type=str(media_type), headers=_headers("json"))
        content = _as_yaml(contract, request.root_path)
        return Response(content, content_type=f"{YAML}; charset=utf-8", headers=_headers("yaml"))

    return page


@cached
def _as_json(contract: Contract, prefix: str) -> bytes:
    return orjson.dumps(_behind(contract, prefix))


@cached
def _as_yaml(contract: Contract, prefix: str) -> bytes:
    if not prefix:
        return contract.text
    from app.contract.document.dumping import as_yaml

    return as_yaml(_behind(contract, prefix))


def _behind(contract: Contract, prefix: str) -> dict[str, Any]:
    """The document, with the URL of the server below a prefix."""
    if not prefix:
        return contract.document
    return {**contract.document, "servers": [{"url": f"{prefix}{contract.base_path}/"}]}


def _headers(extension: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'inline; filename="authentik-flows.{extension}"',
        "Vary": f"Accept, {VERSION_VARIES_WITH.decode()}",
    }
