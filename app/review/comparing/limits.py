"""Comparison of the limits of two schemas: minimum, maximum, and multiples."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from app.contract.document.contract import Pointer
from app.review.comparing.differences import Difference, Effect, Place, shown
from app.review.comparing.keywords import keyword_became, keyword_place
from app.review.comparing.views import View, exact

LIMITS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
    "integer": ("minimum", "maximum"),
}
"""The keywords for the minimum and the maximum of each type."""

# The number of bits of an integer format (OpenAPI 3.0.3, "Data Types").
_BITS = {"int32": 32, "int64": 64}


def are_in_one_range(old: View, new: View) -> bool:
    """Whether two schemas have the same range of integers by formats and limits, and no other values."""
    are_whole = all(view.types - {"null"} == {"integer"} for view in (old, new))
    return (
        are_whole
        and _multiple(old, new) == _multiple(new, old)
        and all(
            _strictest(old, keyword) is not None and _strictest(old, keyword) == _strictest(new, keyword)
            for keyword in LIMITS["integer"]
        )
    )


def _strictest(view: View, keyword: str) -> float | None:
    """The limit of integers, including that of their format."""
    limit, sign = limit_of(view, keyword, whole=True), 1 if keyword == "minimum" else -1
    found = [] if limit is None else [limit.strength[0]]
    sizes = [_BITS[value] for _, value in view.every("format") if value in _BITS]
    found += [sign * (-(2 ** (bits - 1)) if sign == 1 else 2 ** (bits - 1) - 1) for bits in sizes]
    return max(found, default=None)


class Limit(NamedTuple):
    """The effective limit.

    :param strength: a stronger limit has fewer values
    """

    strength: tuple[float, bool]
    text: str
    pointer: Pointer


def compare_limits(old: View, new: View, keyword: str) -> Iterator[Difference]:
    """The differences in the limit of a keyword."""
    whole = "fraction" not in old.types & new.types
    before, after = limit_of(old, keyword, whole=whole), limit_of(new, keyword, whole=whole)
    if (before and before.strength) == (after and after.strength):
        return
    narrower = before is None or (after is not None and after.strength > before.strength)
    yield Difference(
        keyword,
        Place(after.pointer) if after else _gone(before),
        keyword_became(keyword, before and before.text, after and after.text),
        Effect.NARROWER if narrower else Effect.WIDER,
        f"Send only values {'within the new limit' if after else 'that keep to the rule'}.",
        "Be ready for values beyond the old limit." if before else "Be ready for values within the new limit only.",
        f"{before.text if before else 'none'} -> {after.text if after else 'none'}",
    )


def limit_of(view: View, keyword: str, *, whole: bool) -> Limit | None:
    """The strictest limit of a keyword.

    :param whole: whether only integers are valid, of which the next one is the limit
    """
    sign = 1 if keyword.startswith("min") else -1
    found = None
    for pointer, schema in view.parts:
        value = schema.get(keyword)
        if value is None or (value == 0 and keyword != "minimum" and sign == 1):
            continue
        exclusive = schema.get("exclusive" + keyword.capitalize()) is True
        strength = (sign * value, exclusive)
        if whole:
            strength = math.floor(sign * value) + 1 if exclusive else math.ceil(sign * value), False
        text = f"{shown(value)}, exclusive" if exclusive else shown(value)
        limit = Limit(strength, text, (*pointer, keyword))
        if found is None or limit.strength > found.strength:
            found = limit
    return found


def _gone(limit: Limit | None) -> Place:
    return Place(limit.pointer if limit else (), old=True)


def compare_multiples(old: View, new: View) -> Iterator[Difference]:
    """The differences in `multipleOf`."""
    was, now = _multiple(old, new), _multiple(new, old)
    if was == now:
        return
    if was is None or (now is not None and now % was == 0):
        effect = Effect.NARROWER
    else:
        effect = Effect.WIDER if now is None or was % now == 0 else Effect.OTHER
    before, after = (None if number is None else str(number) for number in (was, now))
    yield Difference(
        "multipleOf",
        keyword_place(old, new, "multipleOf"),
        keyword_became("multipleOf", before, after),
        effect,
        "Send multiples of the new number only.",
        "Be ready for other numbers.",
        f"{before or 'none'} -> {after or 'none'}",
    )


def _multiple(view: View, other: View) -> Fraction | None:
    """The `multipleOf` for the common numbers of two schemas; None if it does not restrict them."""
    found = view.last("multipleOf")
    if found is None:
        return None
    number = exact(found[1])
    return None if "fraction" not in view.types & other.types and 1 % number == 0 else number
