"""Check for strings that databases can't store."""

from functools import cache
from typing import Any

import jsonschema_rs

from app.contract.document.contract import Contract
from app.contract.validation.schemas import FORMATS, PATTERNS, composed

# A pattern that matches none of these is taken to exclude NUL.
_NUL = ("\0", "a\0", "\0a", "a\0a", "0\0", "0" * 40 + "\0")


def takes_nul(contract: Contract, schema: dict[str, Any]) -> bool:
    """Whether a schema admits strings with NUL, judged by samples."""
    for part in composed(contract, schema):
        if "enum" in part or part.get("format") in FORMATS.keys() - {"password", "byte", "regex"}:
            return False
        if "pattern" in part and not _matches_nul(part["pattern"]):
            return False
        forbidden = part.get("not", {})
        if forbidden.keys() == {"pattern"} and _matches_nul(forbidden["pattern"]):
            return False
    return True


@cache
def _matches_nul(pattern: str) -> bool:
    validator = jsonschema_rs.Draft4Validator({"pattern": pattern}, pattern_options=PATTERNS)
    return any(map(validator.is_valid, _NUL))
