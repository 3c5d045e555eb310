"""Is it an OpenAPI 3.0 document, and does each reference lead somewhere?"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from app.contract.findings import Finding
from app.contract.source import Pointer, Source


def walk(node: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every part of a document with its place, outer parts first."""
    waiting: deque[tuple[Pointer, Any]] = deque([(pointer, node)])
    while waiting:
        place, part = waiting.popleft()
        yield place, part
        if isinstance(part, dict):
            waiting.extend(((*place, key), value) for key, value in part.items())
        elif isinstance(part, list):
            waiting.extend(((*place, index), value) for index, value in enumerate(part))


def check_references(source: Source) -> Iterator[Finding]:
    """Each `$ref` names a part of this document and ends at one (OpenAPI 3.0.3, "Reference Object")."""
    for pointer, node in walk(source.document):
        if "example" in pointer or "examples" in pointer:
            continue
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                source.resolve(pointer, node)
            except KeyError:
                yield source.finding(
                    (*pointer, "$ref"),
                    f"The reference {node['$ref']!r} leads nowhere.",
                    "Name a part of this file, as in '#/components/schemas/Flow'.",
                )


def check_document(source: Source) -> Iterator[Finding]:
    """The document follows the OpenAPI Specification 3.0."""
    # Imported here: half of the time of `import app.contract` for a check that runs once.
    from openapi_spec_validator import OpenAPIV30SpecValidator

    version = source.document.get("openapi")
    if not (isinstance(version, str) and version.startswith("3.0.")):
        yield source.finding(
            ("openapi",), f"This is OpenAPI {version!r}, which is not served.", "Write the contract in OpenAPI 3.0.3."
        )
        return
    for error in OpenAPIV30SpecValidator(source.document).iter_errors():
        # Of an `oneOf` the deepest branch says what was meant.
        while error.context:
            error = max(error.context, key=lambda inner: len(inner.absolute_path))
        message = error.message if len(error.message) < 200 else error.message[:199] + "…"
        yield source.finding(
            tuple(error.absolute_path),
            f"This breaks the OpenAPI Specification: {message.rstrip('.')}.",
            "See the OpenAPI Specification 3.0.3.",
        )
