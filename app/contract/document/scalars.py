"""Scalars of YAML 1.2, resolved by the core schema (YAML 1.2.2, section 10.3.2)."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

TEXT = "tag:yaml.org,2002:str"

INTEGER = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)

RESOLVERS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN"),
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("tag:yaml.org,2002:int", INTEGER, "-+0123456789"),
    ("tag:yaml.org,2002:float", FLOAT, "-+.0123456789"),
)
"""Tag, pattern and first characters of each type except text, as PyYAML takes them; the first match applies."""

# The integers that JSON encoders accept, and those that a float represents exactly.
_LEAST, _GREATEST, _EXACT = -(2**63), 2**64 - 1, 2**53


def value_of(tag: str, text: str) -> Any:
    """The value of a scalar.

    :param tag: the resolved or explicit tag
    :raises ValueError: JSON has no such value; the message has the reason, as a clause
    """
    make = _VALUES.get(tag)
    if make is None:
        raise ValueError(f"has the tag {tag.replace('tag:yaml.org,2002:', '!!')!r}, which JSON does not have")
    return make(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is not a boolean")
    return text.lower() == "true"


def _integer(text: str) -> int:
    if not INTEGER.match(text):
        raise ValueError("is not an integer")
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    if len(text) > 30 or not _LEAST <= (number := int(text[2:] if base != 10 else text, base)) <= _GREATEST:
        raise ValueError("is an integer of more than 64 bits")
    return number


def _float(text: str) -> float | int:
    if not FLOAT.match(text):
        raise ValueError("is not a number")
    number = float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    if not math.isfinite(number):
        raise ValueError("is not a JSON number")
    # 1e3 is a whole number in JSON and YAML, as much an integer as 1000.
    return int(number) if "e" in text.lower() and number.is_integer() and abs(number) < _EXACT else number


_VALUES: Mapping[str, Callable[[str], Any]] = {
    TEXT: str,
    "tag:yaml.org,2002:null": lambda _text: None,
    "tag:yaml.org,2002:bool": _boolean,
    "tag:yaml.org,2002:int": _integer,
    "tag:yaml.org,2002:float": _float,
}
