"""A difference between two contracts, and its effect on senders of requests and readers of responses."""

import hashlib
import json
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from app.contract.document.contract import Pointer

NOTHING = "Nothing to do."

# The maximum length of a shown value, and of its part before the first difference.
_LONG = 80
_BEFORE = 30


class Rating(IntEnum):
    """The severity of a change for existing clients."""

    DOCS = 0
    SAFE = 1
    BREAKING = 2

    def __str__(self) -> str:
        return self.name.lower()


class Side(Enum):
    """The part of a call that a difference affects. The value is its display name."""

    CALL = "calls of"
    REQUEST = "requests of"
    ANSWER = "answers of"


class Effect(Enum):
    """The effect on the values that a part of the contract describes."""

    NARROWER = "fewer are admitted"
    WIDER = "more are admitted"
    OTHER = "others are admitted, or they mean something else"
    HARMLESS = "they are the same to a client"
    TEXT = "only words change"


class Place(NamedTuple):
    """A place in one of the two contracts.

    :param pointer: in the document
    :param old: whether it is in the old document, for removed parts
    """

    pointer: Pointer
    old: bool = False


Found = tuple[Pointer, Any]
"""A value in a contract, and its place."""


def place_of(old: Found | None, new: Found | None) -> Place:
    """The place of a difference between two values: in the new contract, or in the old one if it is removed."""
    if new is not None:
        return Place(new[0])
    return Place(old[0] if old is not None else (), old=True)


def extensions(owner: Found) -> dict[str, Found]:
    """The `x-` properties of an object."""
    pointer, node = owner
    return {key: ((*pointer, key), value) for key, value in node.items() if key.startswith("x-")}


def unextended(value: Any) -> Any:
    """A value without its own `x-` properties, which are compared separately."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if not key.startswith("x-")}


def text_of(found: Found | None) -> str | None:
    """The text of a value for comparison; None if there is none."""
    return None if found is None else shown(found[1])


def became(old: Found | None, new: Found | None) -> str:
    """The change of a value, for a sentence."""
    before, after = _window(text_of(old), text_of(new))
    if old is None or new is None:
        return f"is {after}, there was none" if old is None else f"is gone, it was {before}"
    return f"is {after}, it was {before}"


def step(old: Found | None, new: Found | None) -> str:
    """An identifier of a change: the values, or a digest of them if they are too long."""
    before, after = ("none" if text is None else text for text in map(text_of, (old, new)))
    if max(len(before), len(after)) <= _LONG:
        return f"{before} -> {after}"
    return f"{before[:_LONG]} -> {after[:_LONG]} {digest([before, after])}"


def digest(value: Any) -> str:
    """A short digest of a value."""
    return hashlib.sha256(shown(value).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _window(old: str | None, new: str | None) -> list[str]:
    """Two texts for display: of long ones the part around the first difference."""
    pairs = enumerate(zip(old or "", new or "", strict=False))
    common = next((index for index, (one, other) in pairs if one != other), min(len(old or ""), len(new or "")))
    start = max(0, common - _BEFORE) if max(len(old or ""), len(new or "")) > _LONG else 0

    def cut(text: str) -> str:
        shown = text[start : start + _LONG]
        return f"{'...' if start else ''}{shown}{'...' if start + _LONG < len(text) else ''}"

    return ["none" if text is None else cut(text) for text in (old, new)]


class Difference(NamedTuple):
    """A difference, not yet rated for a side.

    :param rule: its kind
    :param place: of the changed part
    :param detail: the change, as the rest of a sentence that begins with the place's name
    :param effect: on the valid values
    :param request: advice for senders of requests if it breaks them
    :param response: advice for readers of responses if it breaks them
    :param values: distinguishes it from others of its kind at its place
    :param safe: optional advice for clients that it does not break
    """

    rule: str
    place: Place
    detail: str
    effect: Effect
    request: str = "Check what you send."
    response: str = "Check how you read answers."
    values: str = ""
    safe: str = NOTHING


class Change(NamedTuple):
    """A difference, rated for one side of a call.

    :param difference: the difference
    :param side: the part of the call
    :param rating: its severity for this side
    :param advice: for clients
    :param used_at: the compared part of the new contract, empty if there is none
    """

    difference: Difference
    side: Side
    rating: Rating
    advice: str
    used_at: Pointer = ()


def seen_from(side: Side, difference: Difference, used_at: Pointer = (), *, exact: bool = False) -> Change:
    """Rate a difference. Narrower rules break senders, wider ones break readers.

    :param used_at: the compared part of the new contract
    :param exact: whether fewer values are as bad as more
    """
    effect = difference.effect
    if effect is Effect.TEXT:
        return Change(difference, side, Rating.DOCS, NOTHING, used_at)
    breaking = effect is Effect.OTHER
    if effect in (Effect.NARROWER, Effect.WIDER):
        breaking = exact or effect is (Effect.WIDER if side is Side.ANSWER else Effect.NARROWER)
    if not breaking:
        return Change(difference, side, Rating.SAFE, difference.safe, used_at)
    advice = difference.response if side is Side.ANSWER else difference.request
    return Change(difference, side, Rating.BREAKING, advice, used_at)


def shown(value: Any) -> str:
    """A value as text for display and comparison: JSON, in which `true` differs from 1, and 1.0 does not."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    """A value with numbers in one form only."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def listed(names: Any) -> str:
    """Names for a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def names_in(value: Any) -> list[str]:
    """The names in a list, or a single name; none in other values."""
    return [str(name) for name in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
