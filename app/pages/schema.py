"""`/api/v3/schema/`: the contract as one file, or as JSON."""

from functools import lru_cache

import orjson
from flask import Blueprint, Response, request

from app.contract.document.contract import Contract
from app.contract.serve.compiled_contract import ActiveContract

YAML = "application/vnd.oai.openapi"
JSON = "application/vnd.oai.openapi+json"


def schema(active_contract: ActiveContract) -> Blueprint:
    """The path of the contract, as in authentik: YAML, or JSON with `?format=json` or by `Accept`."""
    page = Blueprint("schema", __name__)

    @page.get("/schema/")
    def retrieve() -> Response:
        wanted = request.args.get("format", "")
        accepted = request.accept_mimetypes.best_match([YAML, "application/yaml", JSON, "application/json"], YAML)
        if wanted == "json" or (not wanted and str(accepted).endswith("json")):
            media_type = accepted if not wanted else JSON
            return Response(_as_json(active_contract.contract), content_type=str(media_type), headers=_headers("json"))
        return Response(active_contract.contract.text, content_type=f"{YAML}; charset=utf-8", headers=_headers("yaml"))

    return page


@lru_cache(maxsize=1)
def _as_json(contract: Contract) -> bytes:
    return orjson.dumps(contract.document)


def _headers(extension: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="authentik-flows.{extension}"', "Vary": "Accept"}
