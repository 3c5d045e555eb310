"""Error messages of single values, as recorded from authentik 2024.8.6 (`tests/oracle/`).

There is one table for properties of a body and one for query parameters. A schema's own `x-messages` take precedence over both.
"""

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.contract.validation.schemas import UUID_PATTERN
from app.contract.validation.violations import MOST

NON_FIELD_ERRORS = "non_field_errors"
NO_DATA = "No data provided"
REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
EMPTY = "This list may not be empty."
MORE = f"There may be more errors; at most {MOST} are listed."

# The codes of messages whose code is not `invalid`, as in authentik's challenges.
_CODES = {REQUIRED: "required", NULL: "null", NO_DATA: "null", BLANK: "blank", EMPTY: "empty"}
_NO_CHOICE = " is not a valid choice."
_NO_NUL = "Null characters are not allowed."


def code_of(message: str) -> str:
    """The code of a message about a body."""
    if message.endswith(_NO_CHOICE):
        return "invalid_choice"
    return "null_characters_not_allowed" if message == _NO_NUL else _CODES.get(message, "invalid")


Say = Callable[[Any, Any], str]
"""From the keyword's value in the schema and the invalid instance to the message."""


# Characters of a value that a message shows: with the number of messages, this limits the size of the response.
_SHOWN_LENGTH = 1000


def shown(value: Any) -> str:
    """A value as truncated text for a message."""
    try:
        text = str(value)
    except RecursionError:
        # Nested too deeply.
        text = type(value).__name__
    return shortened(text)


def shortened(text: str) -> str:
    """Truncate a text."""
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"


@dataclass(frozen=True)
class Wording:
    """Messages of invalid values.

    :param keywords: the messages by violated keyword (or by `keyword:value`)
    :param reference: the message of an invalid identifier, given the value and whether it is one of several
    :param by_index: whether the messages of an array's items are listed by index instead of in one list
    """

    keywords: Mapping[str, Say]
    reference: Callable[[Any, str, bool], str]
    by_index: bool


def does_not_exist(value: Any) -> str:
    """The message of a property that refers to a missing object."""
    return f'Invalid pk "{shown(value)}" - object does not exist.'


def not_a_choice(value: Any, one_of_many: bool) -> str:
    """The message of a query parameter that refers to a missing object."""
    named = f"{shown(value)} is" if one_of_many else "That choice is"
    return f"Select a valid choice. {named} not one of the available choices."


def _no_identity(value: Any, kind: str, _one_of_many: bool) -> str:
    if isinstance(value, bool) or (kind == "integer" and not _reads_as_integer(value)):
        return f"Incorrect type. Expected pk value, received {type(value).__name__}."
    if kind == "integer" or value is None or _reads_as_uuid(value):
        # authentik would look it up; the contract permits one notation only.
        return does_not_exist(value)
    return f"“{shown(value)}” is not a valid UUID."


def _no_choice(value: Any, kind: str, one_of_many: bool) -> str:
    if kind == "integer" or _reads_as_uuid(value):
        return not_a_choice(value, one_of_many)
    return f"“{shown(value)}” is not a valid UUID."


def _reads_as_uuid(value: Any) -> bool:
    """Whether authentik reads a value as a UUID: without hyphens, in braces, or a number (recorded: `bindings.create.*`)."""
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        uuid.UUID(int=value) if isinstance(value, int) else uuid.UUID(value)
        return True
    return False


def _reads_as_integer(value: Any) -> bool:
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        int(value)
        return True
    return False


_KEYWORDS: Mapping[str, Say] = {
    "type:string": lambda _limit, _value: "Not a valid string.",
    "type:boolean": lambda _limit, _value: "Must be a valid boolean.",
    "type:integer": lambda _limit, _value: "A valid integer is required.",
    "type:number": lambda _limit, _value: "A valid number is required.",
    "type:array": lambda _limit, value: f'Expected a list of items but got type "{type(value).__name__}".',
    "type:object": lambda _limit, value: f"Invalid data. Expected a dictionary, but got {type(value).__name__}.",
    "enum": lambda _limit, value: f'"{shown(value)}" is not a valid choice.',
    "minLength": lambda limit, _value: f"Ensure this field has at least {limit} characters.",
    "maxLength": lambda limit, _value: f"Ensure this field has no more than {limit} characters.",
    "minItems": lambda limit, _value: f"Ensure this field has at least {limit} elements.",
    "maxItems": lambda limit, _value: f"Ensure this field has no more than {limit} elements.",
    "minimum": lambda limit, _value: f"Ensure this value is greater than or equal to {limit}.",
    "maximum": lambda limit, _value: f"Ensure this value is less than or equal to {limit}.",
    "exclusiveMinimum": lambda limit, _value: f"Ensure this value is greater than {limit}.",
    "exclusiveMaximum": lambda limit, _value: f"Ensure this value is less than {limit}.",
    "pattern": lambda _limit, _value: "This value does not match the required pattern.",
    f"pattern:{UUID_PATTERN}": lambda _limit, _value: "Must be a valid UUID.",
    "format:uri": lambda _limit, _value: "Enter a valid URL.",
    "format:email": lambda _limit, _value: "Enter a valid email address.",
}

BODY = Wording(_KEYWORDS, _no_identity, by_index=True)

QUERY = Wording(
    {
        **_KEYWORDS,
        "type:integer": lambda _limit, _value: "Enter a number.",
        "type:number": lambda _limit, _value: "Enter a number.",
        "enum": lambda _limit, value: f"Select a valid choice. {shown(value)} is not one of the available choices.",
        f"pattern:{UUID_PATTERN}": lambda _limit, _value: "Enter a valid UUID.",
    },
    _no_choice,
    by_index=False,
)
