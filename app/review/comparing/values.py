"""What differs in the values that two schemas admit, looked at one by one: types, enums, limits, patterns, formats."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from app.contract.source import Pointer
from app.review.comparing.differences import NOTHING, Difference, Effect, Place, digest, shown
from app.review.comparing.views import TYPES, View, exact

# The keywords that limit values of each type from below and from above.
_LIMITS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
    "integer": ("minimum", "maximum"),
}

# How many whole numbers may be looked at one by one.
_FEW = 256

# Formats that tell a client how to show a value, and nothing of the value.
_SHOWN_ONLY = frozenset({"password"})

# How large the whole numbers of a format are (OpenAPI 3.0.3, "Data Types").
_BITS = {"int32": 32, "int64": 64}

# Formats all of whose values are those of another one as well.
_WITHIN = {("int32", "int64"), ("float", "double")}


def compare_values(old: View, new: View) -> Iterator[Difference]:
    """How the values differ that two schemas admit, their parts aside."""
    yield from compare_null(old, new)
    yield from _types(old, new)
    if not comparable(old, new):
        return
    yield from compare_enums(old, new)
    if old.enum is None and new.enum is None and not _are_in_one_range(old, new):
        for kind, keywords in _LIMITS.items():
            if {kind, "fraction" if kind == "integer" else kind} & old.types & new.types:
                for keyword in keywords:
                    yield from _limits(old, new, keyword)
        if "string" in old.types & new.types:
            yield from _texts(old, new, "pattern")
            yield from _formats(old, new)
        elif {"integer", "fraction"} & old.types & new.types:
            yield from _formats(old, new)
            yield from _multiples(old, new)
    yield from _unique_items(old, new)


def _are_in_one_range(old: View, new: View) -> bool:
    """Whether two schemas admit the same whole numbers, as formats and limits say together, and nothing else."""
    if not (old.types - {"null"}) == (new.types - {"null"}) == {"integer"} or _multiple(old, new) != _multiple(
        new, old
    ):
        return False
    return all(
        _strictest(old, keyword) is not None and _strictest(old, keyword) == _strictest(new, keyword)
        for keyword in _LIMITS["integer"]
    )


def _strictest(view: View, keyword: str) -> float | None:
    """The limit of whole numbers, that of their format included."""
    limit, sign = _limit(view, keyword, whole=True), 1 if keyword == "minimum" else -1
    found = [] if limit is None else [limit.strength[0]]
    sizes = [_BITS[value] for _, value in view.every("format") if value in _BITS]
    found += [sign * (-(2 ** (bits - 1)) if sign == 1 else 2 ** (bits - 1) - 1) for bits in sizes]
    return max(found, default=None)


def comparable(old: View, new: View) -> bool:
    """Whether two schemas have values of a type in common, so that there is more to compare than the type."""
    return bool((old.types & new.types) - {"null"}) or old.types == new.types


def compare_null(old: View, new: View) -> Iterator[Difference]:
    """Whether null is admitted, where not any value is."""
    if not (old.is_typed and new.is_typed) or old.admits_null is new.admits_null:
        yield from _null_without_effect(old, new)
        return
    if old.groups and new.groups and not old.every("nullable") and not new.every("nullable"):
        # The alternatives say it.
        return
    place = _place_of(old, new, "nullable", "enum", "type")
    if new.admits_null:
        detail, effect, values = "null is admitted now.", Effect.WIDER, "yes"
    else:
        detail, effect, values = "null is no longer admitted.", Effect.NARROWER, "no"
    yield Difference("nullable", place, detail, effect, "Send no null.", "Be ready for null.", values)


def _null_without_effect(old: View, new: View) -> Iterator[Difference]:
    """That a schema says of null what changes nothing: an enum beside it has no null, or anything is admitted anyway."""
    before, after = (any(value is True for _, value in view.every("nullable")) for view in (old, new))
    if before is not after and old.admits_null is new.admits_null:
        detail = f"`nullable` is {'there' if after else 'gone'}, and has no effect."
        yield Difference("nullable", _place_of(old, new, "nullable"), detail, Effect.TEXT, values="no effect")


def _types(old: View, new: View) -> Iterator[Difference]:
    before, after = old.types, new.types
    whole = [_whole(view) - {"null"} for view in (old, new)]
    if whole[0] == whole[1] and not {"fraction"} & whole[0]:
        # Multiples of a whole number are whole numbers.
        return
    if old.is_typed and new.is_typed:
        before, after = before - {"null"}, after - {"null"}
        if comparable(old, new) and (
            (old.enum is not None and (new.enum is not None or before <= after))
            or (new.enum is not None and after <= before)
        ):
            # The values say it.
            return
    if before == after:
        return
    place = _place_of(old, new, "type", "enum")
    effect = Effect.NARROWER if after < before else Effect.WIDER if before < after else Effect.OTHER
    detail = f"the type is {_type_name(after)}, it was {_type_name(before)}."
    values = f"{_type_name(before)} -> {_type_name(after)}"
    request, answer = (f"{what} values of type {_type_name(after)}." for what in ("Send", "Be ready for"))
    yield Difference("type", place, detail, effect, request, answer, values)


def _whole(view: View) -> frozenset[str]:
    found = view.last("multipleOf")
    return view.types - {"fraction"} if found is not None and found[1] % 1 == 0 else view.types


def _type_name(types: frozenset[str]) -> str:
    if types == TYPES:
        return "any"
    if "fraction" in types:
        types = types - {"fraction", "integer"} | {"number"}
    return " or ".join(sorted(types)) or "none"


Listed = dict[str, tuple[Pointer, Any]]


def compare_enums(old: View, new: View) -> Iterator[Difference]:
    """Which values are listed, where they are listed in one schema at least."""
    before, after = (view.listed if view.enum is None else view.enum for view in (old, new))
    if before is None and after is None:
        return
    before, after = before if before is not None else _all(old), after if after is not None else _all(new)
    if before is None or after is None:
        yield from _listed(old, new, before, after)
    gone = [] if before is None else [found for text, found in before.items() if not _has(new, after, text, found[1])]
    come = [] if after is None else [found for text, found in after.items() if not _has(old, before, text, found[1])]
    for pointer, value in gone:
        text = shown(value)
        yield Difference(
            "enum-value-removed",
            Place(pointer, old=True),
            f"the value {text} is gone.",
            Effect.NARROWER,
            request=f"Send {text} no more.",
            values=text,
        )
    for pointer, value in come:
        text = shown(value)
        yield Difference(
            "enum-value-added",
            Place(pointer),
            f"the value {text} is new.",
            Effect.WIDER,
            answer=f"Be ready for {text}.",
            values=text,
        )


def _has(view: View, listed: Listed | None, text: str, value: Any) -> bool:
    return view.admits(value) if listed is None else text in listed


def _all(view: View) -> Listed | None:
    """All values that a schema admits which lists none, if they are few; None if not."""
    types = view.types - {"null"}
    if types == {"boolean"}:
        return {shown(value): (view.parts[-1][0], value) for value in (True, False)}
    least, most = _limit(view, "minimum", whole=True), _limit(view, "maximum", whole=True)
    if types != {"integer"} or least is None or most is None:
        return None
    first, last = int(least.strength[0]), int(-most.strength[0])
    if last - first >= _FEW:
        return None
    values = (value for value in range(first, last + 1) if view.admits(value))
    return {shown(value): (least.pointer, value) for value in values}


def _listed(old: View, new: View, before: Listed | None, after: Listed | None) -> Iterator[Difference]:
    """That values are listed in one schema only."""
    place = _place_of(old, new, "enum")
    if before is None:
        detail, effect = "only listed values are admitted now.", Effect.NARROWER
        values = f"listed {digest(sorted(after or ()))}"
    else:
        detail, effect, values = "any value is admitted now, not only listed ones.", Effect.WIDER, "any"
    request, answer = "Send one of the listed values only.", "Be ready for any value."
    yield Difference("enum", place, detail, effect, request, answer, values)


class _Limit(NamedTuple):
    """The limit that counts.

    :param strength: the stronger, the fewer values are within
    """

    strength: tuple[float, bool]
    text: str
    pointer: Pointer


def _limits(old: View, new: View, keyword: str) -> Iterator[Difference]:
    whole = "fraction" not in old.types & new.types
    before, after = _limit(old, keyword, whole=whole), _limit(new, keyword, whole=whole)
    if (before and before.strength) == (after and after.strength):
        return
    narrower = before is None or (after is not None and after.strength > before.strength)
    yield Difference(
        keyword,
        Place(after.pointer) if after else _gone(before),
        _became(keyword, before and before.text, after and after.text),
        Effect.NARROWER if narrower else Effect.WIDER,
        f"Send only values {'within the new limit' if after else 'that keep to the rule'}.",
        "Be ready for values beyond the old limit." if before else "Be ready for values within the new limit only.",
        f"{before.text if before else 'none'} -> {after.text if after else 'none'}",
    )


def _limit(view: View, keyword: str, *, whole: bool) -> _Limit | None:
    """The strictest limit of a kind.

    :param whole: whether only whole numbers count, of which the next one is the limit
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
        limit = _Limit(strength, text, (*pointer, keyword))
        if found is None or limit.strength > found.strength:
            found = limit
    return found


def _gone(limit: _Limit | None) -> Place:
    return Place(limit.pointer if limit else (), old=True)


def _became(keyword: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"`{keyword}` is {after}, there was none."
    return f"`{keyword}` is gone, it was {before}." if after is None else f"`{keyword}` is {after}, it was {before}."


def _texts(
    old: View,
    new: View,
    keyword: str,
    effect_of: Callable[[str, str], Effect] = lambda _before, _after: Effect.OTHER,
) -> Iterator[Difference]:
    """What differs in a keyword whose texts all hold together.

    :param effect_of: what it does if one text takes the place of another
    """
    before = {value: pointer for pointer, value in old.every(keyword)}
    after = {value: pointer for pointer, value in new.every(keyword)}
    gone = [text for text in before if text not in after]
    come = [text for text in after if text not in before]
    for index in range(max(len(gone), len(come))):
        was, now = (texts[index] if index < len(texts) else None for texts in (gone, come))
        effect = Effect.WIDER if now is None else Effect.NARROWER
        if {was, now} - {None} <= _SHOWN_ONLY:
            effect = Effect.TEXT
        elif was is not None and now is not None:
            effect = effect_of(was, now)
        yield Difference(
            keyword,
            Place(after[now]) if now is not None else Place(before[was or ""], old=True),
            _became(keyword, None if was is None else f"`{was}`", None if now is None else f"`{now}`"),
            effect,
            f"Send only values of the new {keyword}." if now is not None else NOTHING,
            f"Be ready for values that do not have the {keyword} of before.",
            f"{was or 'none'} -> {now or 'none'}",
        )


def _formats(old: View, new: View) -> Iterator[Difference]:
    def effect_of(before: str, after: str) -> Effect:
        if (after, before) in _WITHIN:
            return Effect.NARROWER
        return Effect.WIDER if (before, after) in _WITHIN else Effect.OTHER

    if {"integer", "fraction"} & old.types & new.types:
        # All numbers are those of a double: another format takes its place, or it goes without saying.
        before, after = (_numeric_format(view) for view in (old, new))
        if before == after:
            return
    yield from _texts(old, new, "format", effect_of)


def _numeric_format(view: View) -> set[str]:
    return {value for _, value in view.every("format")} - {"double"}


def _multiples(old: View, new: View) -> Iterator[Difference]:
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
        _place_of(old, new, "multipleOf"),
        _became("multipleOf", before, after),
        effect,
        "Send multiples of the new number only.",
        "Be ready for other numbers.",
        f"{before or 'none'} -> {after or 'none'}",
    )


def _multiple(view: View, other: View) -> Fraction | None:
    """What the numbers are multiples of that two schemas have in common; None if they are so anyway."""
    found = view.last("multipleOf")
    if found is None:
        return None
    number = exact(found[1])
    return None if "fraction" not in view.types & other.types and 1 % number == 0 else number


def _unique_items(old: View, new: View) -> Iterator[Difference]:
    before, after = (any(value is True for _, value in view.every("uniqueItems")) for view in (old, new))
    if before is not after:
        yield Difference(
            "uniqueItems",
            _place_of(old, new, "uniqueItems"),
            "items must differ from each other now." if after else "items may be equal now.",
            Effect.NARROWER if after else Effect.WIDER,
            "Send no item twice.",
            "Be ready for equal items.",
            "yes" if after else "no",
        )


def _place_of(old: View, new: View, *keywords: Any) -> Place:
    """Where a difference is shown: at the first of some keywords that has changed, in the new contract if it is there."""
    for keyword in keywords:
        before, after = old.last(keyword), new.last(keyword)
        if (before and before[1]) != (after and after[1]):
            return Place(after[0]) if after else Place(before[0] if before else (), old=True)
    return Place(new.parts[-1][0] if new.parts else new.place)
