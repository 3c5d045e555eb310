"""Check of stand-ins: each version can represent the values that only another version has."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import CONTAINERS, Contract, Pointer
from app.contract.document.findings import Finding, shown

# The key of the stand-in of values without one of their own.
_ANY = "*"


def check_stand_ins(earlier: Contract, later: Contract) -> Iterator[Finding]:
    """Check that each value of an enum that only one of two versions has stands for a value of the other.

    :param later: the version whose `x-stand-in` counts
    """
    schemas = (contract.document.get("components", {}).get("schemas", {}) for contract in (earlier, later))
    for pointer, before, after in _enums(("components", "schemas"), *schemas):
        stand_ins = after.get("x-stand-in", {})
        if not isinstance(stand_ins, dict) or any(isinstance(value, CONTAINERS) for value in stand_ins.values()):
            problem = "`x-stand-in` does not map values to values."
            yield later.finding((*pointer, "x-stand-in"), problem, "Write `VALUE: STAND_IN` for each.")
            continue
        for index, value in enumerate(after["enum"]):
            yield from _check(later, (*pointer, "enum", index), value, stand_ins, before["enum"])
        for value in before["enum"]:
            yield from _check(later, (*pointer, "enum"), value, stand_ins, after["enum"])


def _check(
    contract: Contract, place: Pointer, value: Any, stand_ins: dict[str, Any], known: list[Any]
) -> Iterator[Finding]:
    passed = set()
    while value is not None and value not in known:
        if value in passed or not {value, _ANY} & stand_ins.keys():
            problem = f"Another version lacks {shown(value)}, and nothing stands for it there."
            yield contract.finding(place, problem, "Give it an `x-stand-in`: a value of that version, or null.")
            return
        passed.add(value)
        value = stand_ins.get(value, stand_ins.get(_ANY))


def _enums(pointer: Pointer, before: Any, after: Any) -> Iterator[tuple[Pointer, dict[str, Any], dict[str, Any]]]:
    """The schemas with an enum that both versions have at the same pointer."""
    if isinstance(before, dict) and isinstance(after, dict):
        if isinstance(before.get("enum"), list) and isinstance(after.get("enum"), list):
            yield pointer, before, after
            return
        for key in before.keys() & after.keys():
            yield from _enums((*pointer, key), before[key], after[key])
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _enums((*pointer, index), one, other)
