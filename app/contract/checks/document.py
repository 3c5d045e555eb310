"""Is it an OpenAPI 3.0 document, and does each reference lead somewhere?"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from app.contract.findings import Finding
from app.contract.source import Pointer, Source, references


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
    for pointer, node in references(source.document):
        try:
            source.resolve(pointer, node)
        except KeyError:
            yield source.finding(
                (*pointer, "$ref"),
                f"The reference {node['$ref']!r} leads nowhere.",
                "Name a part of this file, as in '#/components/schemas/Flow'.",
            )


class OpenAPICheck:
    """The document follows the OpenAPI Specification 3.0, as `openapi-spec-validator` has it.

    :param source: the contract
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._errors: list[Any] = []

    def structure(self) -> Iterator[Finding]:
        """What breaks the specification's meta-schema.

        The compiled meta-schema is quick and tells of an `oneOf` only that none of its branches fits, so that in case of an
        error the slow one is asked as well.
        """
        # Imported here: half of the time of `import app.contract` for a check that runs once.
        from openapi_spec_validator import OpenAPIV30SpecValidator
        from openapi_spec_validator.schemas import openapi_v30_schema_validator, schema_v30

        version = self._source.document.get("openapi")
        if not (isinstance(version, str) and version.startswith("3.0.")):
            yield self._source.finding(
                ("openapi",),
                f"This is OpenAPI {version!r}, which is not served.",
                "Write the contract in OpenAPI 3.0.3.",
            )
            return
        if openapi_v30_schema_validator.is_valid(self._source.document):
            self._errors = list(OpenAPIV30SpecValidator(self._source.document).iter_errors())
            return
        from jsonschema import Draft4Validator

        for error in Draft4Validator(dict(schema_v30)).iter_errors(self._source.document):
            while error.context:
                branches = [branch for branch in error.context if branch.message != "'$ref' is a required property"]
                error = max(branches or error.context, key=lambda branch: len(branch.absolute_path))  # descends
            yield self._finding(tuple(error.absolute_path), error.message)

    def meaning(self) -> Iterator[Finding]:
        """What else breaks the specification. These errors seldom say where they are, so they come after all other checks."""
        for error in self._errors:
            place = tuple(error.absolute_path) or _place_named_in(self._source, error.message)
            yield self._finding(place, error.message)

    def _finding(self, place: Pointer, message: str) -> Finding:
        return self._source.finding(
            place,
            f"This breaks the OpenAPI Specification: {message.rstrip('.')}.",
            "See the OpenAPI Specification 3.0.3.",
        )


def _place_named_in(source: Source, message: str) -> Pointer:
    """The operation that a message quotes, for errors that do not say where they are."""
    quoted = re.findall(r"'([^']*)'", message)
    paths = source.document["paths"]
    path = next((text for text in quoted if text in paths), None)
    if path is None:
        return ()
    method = next((text for text in quoted if text in paths[path]), None)
    return ("paths", path, method) if method else ("paths", path)
