"""One difference between two contracts, and what it means for those who send requests and those who read answers."""

import hashlib
import json
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from app.contract.document.contract import Pointer

NOTHING = "Nothing to do."

# How much is shown of a value, and how much of it before the first difference.
_LONG = 80
_BEFORE = 30


class Rating(IntEnum):
    """How much a change matters to a client that works today."""

    DOCS = 0
    SAFE = 1
    BREAKING = 2

    def __str__(self) -> str:
        return self.name.lower()


class Side(Enum):
    """Which part of a call a difference is about. The value is what people call it."""

    CALL = "calls of"
    REQUEST = "requests of"
    ANSWER = "answers of"


class Effect(Enum):
    """What becomes of the values that a part of the contract describes."""

    NARROWER = "fewer are admitted"
    WIDER = "more are admitted"
    OTHER = "others are admitted, or they mean something else"
    HARMLESS = "they are the same to a client"
    TEXT = "only words change"


class Place(NamedTuple):
    """A part of one of the two contracts.

    :param pointer: where it stands in the document
    :param old: whether it is the old document, which has the parts that are gone
    """

    pointer: Pointer
    old: bool = False


Found = tuple[Pointer, Any]
"""A value in a contract, and where it stands."""


def place_of(old: Found | None, new: Found | None) -> Place:
    """Where a difference between two values is shown: in the new contract, in the old one if it is gone from there."""
    if new is not None:
        return Place(new[0])
    return Place(old[0] if old is not None else (), old=True)


def extensions(owner: Found) -> dict[str, Found]:
    """The `x-` properties of an object."""
    pointer, node = owner
    return {key: ((*pointer, key), value) for key, value in node.items() if key.startswith("x-")}


def unextended(value: Any) -> Any:
    """A value without its own `x-` properties, which are compared by themselves."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if not key.startswith("x-")}


def text_of(found: Found | None) -> str | None:
    """What a value is compared by; None if there is none."""
    return None if found is None else shown(found[1])


def became(old: Found | None, new: Found | None) -> str:
    """What became of a value, for a sentence."""
    before, after = _window(text_of(old), text_of(new))
    if old is None or new is None:
        return f"is {after}, there was none" if old is None else f"is gone, it was {before}"
    return f"is {after}, it was {before}"


def step(old: Found | None, new: Found | None) -> str:
    """What tells a difference between two values from others: the values, and a digest of them if they are too long."""
    before, after = ("none" if text is None else text for text in map(text_of, (old, new)))
    if max(len(before), len(after)) <= _LONG:
        return f"{before} -> {after}"
    return f"{before[:_LONG]} -> {after[:_LONG]} {digest([before, after])}"


def digest(value: Any) -> str:
    """A few letters that tell a value from others."""
    return hashlib.sha256(shown(value).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _window(old: str | None, new: str | None) -> list[str]:
    """Two texts for people: of long ones the part in which they begin to differ."""
    pairs = enumerate(zip(old or "", new or "", strict=False))
    common = next((index for index, (one, other) in pairs if one != other), min(len(old or ""), len(new or "")))
    start = max(0, common - _BEFORE) if max(len(old or ""), len(new or "")) > _LONG else 0

    def cut(text: str) -> str:
        shown = text[start : start + _LONG]
        return f"{'...' if start else ''}{shown}{'...' if start + _LONG < len(text) else ''}"

    return ["none" if text is None else cut(text) for text in (old, new)]


class Difference(NamedTuple):
    """What differs, seen from no side yet.

    :param rule: what kind of difference it is
    :param place: what it is about
    :param detail: what changed, the rest of a sentence that begins with the place's name
    :param effect: what it does to the values that are admitted
    :param request: what who sends requests must do if it breaks them
    :param response: what who reads answers must do if it breaks them
    :param values: what tells it from others of its kind at its place
    :param safe: what a client may do that is not broken
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
    """A difference as one side of a call sees it.

    :param difference: the difference
    :param side: the part of the call
    :param rating: how much it matters there
    :param advice: what a client must do
    :param used_at: the part of the new contract that was compared, nothing if it has none
    """

    difference: Difference
    side: Side
    rating: Rating
    advice: str
    used_at: Pointer = ()


def seen_from(side: Side, difference: Difference, used_at: Pointer = (), *, exact: bool = False) -> Change:
    """Rate a difference. Who sends is broken by narrower rules, who reads by wider ones.

    :param used_at: the part of the new contract that was compared
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
    """A value as text for people, and to compare by: JSON, in which `true` is not 1, and 1.0 is."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    """A value in which a number has one form only."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def listed(names: Any) -> str:
    """Names for a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def names_in(value: Any) -> list[str]:
    """The names in a list, or the one name; none in what is no such thing."""
    return [str(name) for name in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
