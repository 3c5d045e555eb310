"""Objects and keys of OpenAPI 3.0 by pointer, from its meta-schema."""

import re
from functools import lru_cache
from typing import Any

from app.contract.connexion import OpenAPISpecification
from app.contract.document.contract import Pointer

META_SCHEMA: dict[str, Any] = OpenAPISpecification.openapi_schema
"""The JSON Schema of the OpenAPI Specification 3.0, in which each object has a definition."""

REFERENCE = "Reference"


def object_at(pointer: Pointer) -> str:
    """The kind of object at a pointer, such as `Schema`; empty for a map, a list or a value, or if there is none."""
    return next((name for name in _definitions_at(pointer) if name != REFERENCE), "")


def keys_at(pointer: Pointer) -> tuple[str, ...]:
    """The permitted keys of the object at a pointer."""
    name = object_at(pointer)
    schema = META_SCHEMA["definitions"][name] if name else META_SCHEMA
    return tuple(dict.fromkeys(key for part in _whole(schema) for key in part.get("properties", ())))


@lru_cache(maxsize=4096)
def _definitions_at(pointer: Pointer) -> tuple[str, ...]:
    """The definitions of the objects permitted at a pointer."""
    schemas: list[Any] = [META_SCHEMA]
    for key in pointer:
        schemas = [inner for schema in schemas for inner in _inner(_whole(schema), key)]
    return tuple(schema["$ref"].rpartition("/")[2] for schema in _alternatives(schemas) if "$ref" in schema)


def _alternatives(schemas: list[Any]) -> list[Any]:
    return [part for schema in schemas for part in schema.get("oneOf", (schema,)) if isinstance(part, dict)]


def _whole(schema: Any) -> list[dict[str, Any]]:
    """The alternatives of a schema, references followed."""
    return [
        META_SCHEMA["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        for part in _alternatives([schema])
    ]


def _inner(schemas: list[dict[str, Any]], key: str | int) -> list[Any]:
    found = []
    for schema in schemas:
        if isinstance(key, int):
            found.append(schema.get("items", {}))
        elif key in (properties := schema.get("properties", {})):
            found.append(properties[key])
        elif pattern := next((p for p in schema.get("patternProperties", ()) if re.search(p, str(key))), None):
            found.append(schema["patternProperties"][pattern])
        elif isinstance(further := schema.get("additionalProperties"), dict):
            found.append(further)
    return found
