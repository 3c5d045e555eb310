"""Is it an OpenAPI 3.0 document, and does each reference lead somewhere?"""

import re
from collections.abc import Iterator
from functools import cache

import jsonschema_rs

from app.contract.findings import Finding
from app.contract.framework import OpenAPISpecification
from app.contract.source import Pointer, Source


def check_references(source: Source) -> Iterator[Finding]:
    """Each `$ref` names a part of this document and ends at one (OpenAPI 3.0.3, "Reference Object")."""
    for file, pointer, node in source.references():
        try:
            source.resolve((), node)
        except KeyError:
            yield Finding(
                file.locate((*pointer, "$ref")),
                f"The reference {node['$ref']!r} leads nowhere.",
                "Name a part of this file, as in '#/components/schemas/Flow'.",
            )


def check_structure(source: Source) -> Iterator[Finding]:
    """What breaks the meta-schema of the OpenAPI Specification 3.0.

    The compiled meta-schema is quick and tells of an `oneOf` only that none of its branches fits, so that in case of an error the
    slow one is asked as well.
    """
    version = source.document.get("openapi")
    if not (isinstance(version, str) and version.startswith("3.0.")):
        yield source.finding(
            ("openapi",), f"This is OpenAPI {version!r}, which is not served.", "Write the contract in OpenAPI 3.0.3."
        )
        return
    if _meta_schema().is_valid(source.document):
        return
    from jsonschema import Draft4Validator

    for error in Draft4Validator(OpenAPISpecification.openapi_schema).iter_errors(source.document):
        while error.context:
            branches = [branch for branch in error.context if branch.message != "'$ref' is a required property"]
            error = max(branches or error.context, key=lambda branch: len(branch.absolute_path))  # descends
        yield _breach(source, tuple(error.absolute_path), error.message)


@cache
def _meta_schema() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(OpenAPISpecification.openapi_schema, validate_formats=False)


def check_specification(source: Source) -> Iterator[Finding]:
    """What breaks the OpenAPI Specification 3.0 by the word of `openapi-spec-validator`.

    It takes longer than all other checks together, seldom says where the mistake is, and hardly ever finds what they don't.
    """
    from openapi_spec_validator import OpenAPIV30SpecValidator

    for error in OpenAPIV30SpecValidator(source.document).iter_errors():
        yield _breach(source, tuple(error.absolute_path) or _place_named_in(source, error.message), error.message)


def _breach(source: Source, place: Pointer, message: str) -> Finding:
    problem = f"This breaks the OpenAPI Specification: {message.rstrip('.')}."
    return source.finding(place, problem, "See the OpenAPI Specification 3.0.3.")


def _place_named_in(source: Source, message: str) -> Pointer:
    """The operation that a message quotes, for errors that do not say where they are."""
    quoted = re.findall(r"'([^']*)'", message)
    paths = source.document["paths"]
    path = next((text for text in quoted if text in paths), None)
    if path is None:
        return ()
    method = next((text for text in quoted if text in paths[path]), None)
    return ("paths", path, method) if method else ("paths", path)
