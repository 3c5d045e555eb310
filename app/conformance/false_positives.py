"""Responses that violate the contract: whether stored data is the only reason."""

import re
from collections.abc import Iterable
from typing import Any

from app.conformance.described import IS_EXPRESSION, DescribedContract, Operation, Targets
from app.conformance.known_objects import KnownObjects

_MISSING = re.compile(r'Invalid pk "(.*)" - object does not exist\.', re.DOTALL)
_NO_CHOICE = re.compile(
    r"Select a valid choice\. (?:That choice|(.*)) is(?: not one of the available choices)\.", re.DOTALL
)
# The limit depends on the time.
_TOO_LATE = re.compile(r"Token expires exceeds maximum lifetime \(.*\)\.")
_NON_FIELD_ERRORS = "non_field_errors"
# The keywords of limits, which versions of the contract may differ in: a stored value may be beyond that of one version.
LIMITS = frozenset({"maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "pattern"})


def allows(
    version: DescribedContract, value: Any, method: str, path: str, status: int, within: Iterable[str | int]
) -> bool:
    """Whether a version of the contract allows a value in a response. :param within: where it is in the response"""
    if not version.has(method, path):
        return False
    schema = version.part(version.operation(method, path).responses.get(str(status), {}), within)
    return schema != {} and version.describes(schema, value)


def only_the_store_knows(operation: Operation, rejection: Any, body: Any, query: Any, known: KnownObjects) -> bool:
    """Whether all messages of a 400 are about stored data, and about a value that was sent.

    :param operation: the operation
    :param rejection: the error response
    :param body: the sent body
    :param query: the sent query parameters
    :param known: objects that exist, which are no reason
    """
    if not isinstance(rejection, dict) or not rejection:
        return False
    if rejection.keys() == {"detail"}:
        # No data was sent that could be invalid.
        return not operation.takes_input
    body = body if isinstance(body, dict) else {}
    query = query if isinstance(query, dict) else {}
    return all(
        (property_name, messages) in operation.rejections
        if isinstance(messages, str)
        else isinstance(messages, list)
        and messages != []
        and all(_is_excused(operation, property_name, message, body, query, known) for message in messages)
        for property_name, messages in rejection.items()
    )


def _is_excused(
    operation: Operation,
    property_name: str,
    message: Any,
    body: dict[str, Any],
    query: dict[str, Any],
    known: KnownObjects,
) -> bool:
    if not isinstance(message, str):
        return False
    if (property_name, message) in operation.rejections:
        return True
    if property_name == _NON_FIELD_ERRORS:
        # No schema tells which texts are expressions without errors.
        evaluated = (body.get(name) and body.get(f"{name}{IS_EXPRESSION}") is True for name in operation.expressions)
        return message in operation.unique_together or any(evaluated)
    if (
        property_name in body
        and property_name in operation.unique
        and message == operation.unique[property_name]["x-unique"]
    ):
        return True
    if property_name in body and _TOO_LATE.fullmatch(message):
        return True
    if (
        property_name in body
        and property_name in operation.references
        and message in operation.references[property_name].words
    ):
        return True
    if property_name in body and property_name in operation.references and (reported := _MISSING.fullmatch(message)):
        return _is_dangling(reported[1], _texts(body[property_name]), operation.references[property_name], known)
    if property_name in query and property_name in operation.filters and (reported := _NO_CHOICE.fullmatch(message)):
        sent = _texts(query[property_name])
        return _is_dangling(reported[1] or sent[0], sent, operation.filters[property_name], known)
    return False


def _is_dangling(name: str, sent: list[str], targets: Targets, known: KnownObjects) -> bool:
    return name in sent and name not in known.names(targets.models, targets.identity)


def _texts(value: Any) -> list[str]:
    """A value, or those of a list, as in messages: authentik reads integers of more than 64 bits as floats."""
    values = value if isinstance(value, list) else [value]
    return [str(float(item) if isinstance(item, int) and 64 <= item.bit_length() < 1024 else item) for item in values]
