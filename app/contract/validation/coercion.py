"""Coercion of text to the type of a schema. Text that is not a literal of the type remains text, which a validator rejects."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.contract.validation.schemas import UUID_PATTERN

# JSON's integers (RFC 8259, section 6), with as many digits as Python converts in linear time.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_UUID = re.compile(UUID_PATTERN)
_BOOLEANS = {"true": True, "false": False}


def coercion_of(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Compile the coercion of text to values of a schema.

    :param schema: its keywords, `$ref` and `allOf` merged
    """
    if schema.get("format") == "uuid":
        return _as_uuid
    return _COERCIONS.get(schema.get("type", ""), _as_text)


def _as_text(text: str) -> Any:
    return text


def _as_uuid(text: str) -> Any:
    # Stored and compared in lower case (RFC 9562, section 4).
    return text.lower() if _UUID.fullmatch(text) else text


def _as_integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _as_number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text


def _as_boolean(text: str) -> Any:
    # Clients differ in case: Python sends `True`, others `true`.
    return _BOOLEANS.get(text.lower(), text)


_COERCIONS: dict[str, Callable[[str], Any]] = {
    "integer": _as_integer,
    "number": _as_number,
    "boolean": _as_boolean,
}
