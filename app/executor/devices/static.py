"""Static codes, each valid once. Only their digests are stored."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from app import determinism

NAME = "Static Token"
"""The name of these devices."""

# 32 characters, so that each is equally likely, and none that looks like another.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
# A stage may ask for billions.
_MOST_CODES, _LONGEST_CODE = 1000, 128
_DIGESTS = "digests"


def new_codes(count: int, length: int) -> list[str]:
    """Make codes. :param count: how many; no more than 1,000 are made :param length: of each, at most 128 characters"""
    length = min(length, _LONGEST_CODE)
    return [_code(length) for _ in range(min(count, _MOST_CODES))]


def data_of(codes: Iterable[str]) -> dict[str, Any]:
    """The stored data of codes."""
    return {_DIGESTS: [_digest(code) for code in codes]}


def data_after(data: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    """Use a code. :returns: the data afterwards; None if the code is wrong"""
    given = _digest(code)
    rest = [digest for digest in data[_DIGESTS] if not hmac.compare_digest(digest, given)]
    return {**data, _DIGESTS: rest} if len(rest) < len(data[_DIGESTS]) else None


def _code(length: int) -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in determinism.random_bytes(length))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
