"""The JSON Schema of OpenAPI 3.0 documents, without what it takes to import Connexion, which has it."""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any


@cache
def meta_schema() -> dict[str, Any]:
    """The meta-schema that Connexion checks its specifications by."""
    path = Path(str(distribution("connexion").locate_file("connexion/resources/schemas/v3.0/schema.json")))
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema
