"""The nearest place in the new contract to a removed part."""

from typing import Any

from app.contract.document.contract import Contract, Pointer

# Collections of operations and components are too far from a removed one.
_COLLECTIONS = ((), ("paths",), ("components",))
_WHOLE = 3


def is_kept(old: Contract, new: Contract, pointer: Pointer) -> bool:
    """Whether a part of the old contract still exists in the new one, and is only gone from its use."""
    return _survivor(old.document, new.document, pointer) == pointer


def nearest(old: Contract, new: Contract, pointer: Pointer, used_at: Pointer) -> Pointer:
    """The place in the new contract that is nearest to a part of the old one.

    :param pointer: the part
    :param used_at: the part of the new contract that was compared with its surroundings, empty if unknown
    """
    found = _survivor(old.document, new.document, pointer)
    is_too_far = len(found) < _WHOLE and found[:1] in _COLLECTIONS
    # A part that still exists is only gone from its use.
    return used_at if used_at and (is_too_far or found == pointer) else found


def _survivor(old: Any, new: Any, pointer: Pointer) -> Pointer:
    """The steps to the part, as far as they exist in the new document."""
    found: Pointer = ()
    for step in pointer:
        there = _counterpart(old, new, step)
        if there is None:
            break
        found = (*found, there)
        old, new = old[step], new[there]
    return found


def _counterpart(old: Any, new: Any, step: str | int) -> str | int | None:
    """The step to the same part of another mapping or list; None if it has no such part."""
    if isinstance(old, dict):
        return step if isinstance(new, dict) and step in new else None
    if not isinstance(new, list):
        return None
    names, name = list(map(_name, new)), _name(old[step])
    if name in names:
        return names.index(name)
    # An item without a name has changed in place, if the number of items is equal.
    return step if isinstance(name, dict) and len(old) == len(new) else None


def _name(item: Any) -> Any:
    """The identity of an item in its list: parameters and tags have names, servers have URLs."""
    named = isinstance(item, dict) and ("name" in item or "url" in item)
    return (item.get("in"), item.get("name"), item.get("url")) if named else item
