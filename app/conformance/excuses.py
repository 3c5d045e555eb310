"""Refusals of data that the contract allows: whether what is stored is the whole reason."""

import re
from typing import Any

from app.conformance.described import Leads, Operation
from app.conformance.seen import Seen

_MISSING = re.compile(r'Invalid pk "(.*)" - object does not exist\.', re.DOTALL)
_NO_CHOICE = re.compile(
    r"Select a valid choice\. (?:That choice|(.*)) is(?: not one of the available choices)\.", re.DOTALL
)
_TOGETHER = "non_field_errors"


def only_the_store_knows(operation: Operation, refusal: Any, body: Any, query: Any, seen: Seen) -> bool:
    """Whether every message of a 400 tells of what is stored, and of a value that was sent.

    :param operation: what was asked for
    :param refusal: the answer
    :param body: what was sent
    :param query: the query parameters that were sent
    :param seen: the objects that are known to be there, which are no reason
    """
    if not isinstance(refusal, dict) or not refusal:
        return False
    if not operation.takes_input:
        # Nothing was sent, so that nothing of it can be wrong.
        return refusal.keys() == {"detail"}
    body = body if isinstance(body, dict) else {}
    query = query if isinstance(query, dict) else {}
    return all(
        isinstance(messages, list)
        and messages != []
        and all(_is_excused(operation, member, message, body, query, seen) for message in messages)
        for member, messages in refusal.items()
    )


def _is_excused(
    operation: Operation, member: str, message: Any, body: dict[str, Any], query: dict[str, Any], seen: Seen
) -> bool:
    if not isinstance(message, str):
        return False
    if member == _TOGETHER:
        return message in operation.together
    if member in body and member in operation.unique and message == operation.unique[member]["x-unique"]:
        return True
    if member in body and member in operation.references and (told := _MISSING.fullmatch(message)):
        return _leads_nowhere(told[1], _texts(body[member]), operation.references[member], seen)
    if member in query and member in operation.filters and (told := _NO_CHOICE.fullmatch(message)):
        sent = _texts(query[member])
        return _leads_nowhere(told[1] or sent[0], sent, operation.filters[member], seen)
    return False


def _leads_nowhere(name: str, sent: list[str], leads: Leads, seen: Seen) -> bool:
    return name in sent and name not in seen.names(leads.models, leads.identity)


def _texts(value: Any) -> list[str]:
    """A value, or those of a list, as messages show them: authentik reads integers of more than 64 bits as floats."""
    values = value if isinstance(value, list) else [value]
    return [str(float(item) if isinstance(item, int) and 64 <= item.bit_length() < 1024 else item) for item in values]
