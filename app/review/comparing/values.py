"""Comparison of the valid values of two schemas: types, enums, limits, patterns, formats."""

from collections.abc import Callable, Iterator

from app.review.comparing.differences import NOTHING, Difference, Effect, Place
from app.review.comparing.enums import compare_enums
from app.review.comparing.keywords import keyword_became, keyword_place
from app.review.comparing.limits import LIMITS, are_in_one_range, compare_limits, compare_multiples
from app.review.comparing.views import TYPES, View

# Formats that affect the display of a value only.
_SHOWN_ONLY = frozenset({"password"})

# Patterns that match every text.
_ANYTHING = frozenset({"", "^", "$", ".*", "^.*", ".*$"})

# Formats with all values in those of another one.
_WITHIN = {("int32", "int64"), ("float", "double")}


def compare_values(old: View, new: View) -> Iterator[Difference]:
    """The differences in valid values, without those of parts."""
    yield from compare_null(old, new)
    yield from _types(old, new)
    if not comparable(old, new):
        return
    yield from compare_enums(old, new)
    if old.enum is None and new.enum is None and not are_in_one_range(old, new):
        for kind, keywords in LIMITS.items():
            if {kind, "fraction" if kind == "integer" else kind} & old.types & new.types:
                for keyword in keywords:
                    yield from compare_limits(old, new, keyword)
        if "string" in old.types & new.types:
            yield from _texts(old, new, "pattern")
            yield from _formats(old, new)
        elif {"integer", "fraction"} & old.types & new.types:
            yield from _formats(old, new)
            yield from compare_multiples(old, new)
    yield from _unique_items(old, new)


def comparable(old: View, new: View) -> bool:
    """Whether two schemas have a type in common, so that there is more to compare than the type."""
    return bool((old.types & new.types) - {"null"}) or old.types == new.types


def compare_null(old: View, new: View) -> Iterator[Difference]:
    """The difference in the validity of null, unless any value is valid."""
    if not (old.is_typed and new.is_typed) or old.admits_null is new.admits_null:
        yield from _null_without_effect(old, new)
        return
    if old.groups and new.groups and not old.every("nullable") and not new.every("nullable"):
        # The alternatives are compared instead.
        return
    place = keyword_place(old, new, "nullable", "enum", "type")
    if new.admits_null:
        detail, effect, values = "null is admitted now.", Effect.WIDER, "yes"
    else:
        detail, effect, values = "null is no longer admitted.", Effect.NARROWER, "no"
    yield Difference("nullable", place, detail, effect, "Send no null.", "Be ready for null.", values)


def _null_without_effect(old: View, new: View) -> Iterator[Difference]:
    """A difference in `nullable` without an effect: the enum beside it has no null, or any value is valid anyway."""
    before, after = (any(value is True for _, value in view.every("nullable")) for view in (old, new))
    if before is not after and old.admits_null is new.admits_null:
        detail = f"`nullable` is {'there' if after else 'gone'}, and has no effect."
        yield Difference("nullable", keyword_place(old, new, "nullable"), detail, Effect.TEXT, values="no effect")


def _types(old: View, new: View) -> Iterator[Difference]:
    before, after = old.types, new.types
    whole = [_whole(view) - {"null"} for view in (old, new)]
    if whole[0] == whole[1] and not {"fraction"} & whole[0]:
        # Multiples of an integer are integers.
        return
    if old.is_typed and new.is_typed:
        before, after = before - {"null"}, after - {"null"}
        if comparable(old, new) and (
            (old.enum is not None and (new.enum is not None or before <= after))
            or (new.enum is not None and after <= before)
        ):
            # The enums are compared instead.
            return
    if before == after:
        return
    place = keyword_place(old, new, "type", "enum")
    effect = Effect.NARROWER if after < before else Effect.WIDER if before < after else Effect.OTHER
    detail = f"the type is {_type_name(after)}, it was {_type_name(before)}."
    values = f"{_type_name(before)} -> {_type_name(after)}"
    request, response = (f"{what} values of type {_type_name(after)}." for what in ("Send", "Be ready for"))
    yield Difference("type", place, detail, effect, request, response, values)


def _whole(view: View) -> frozenset[str]:
    found = view.last("multipleOf")
    return view.types - {"fraction"} if found is not None and found[1] % 1 == 0 else view.types


def _type_name(types: frozenset[str]) -> str:
    if types == TYPES:
        return "any"
    if "fraction" in types:
        types = types - {"fraction", "integer"} | {"number"}
    return " or ".join(sorted(types)) or "none"


def _texts(
    old: View,
    new: View,
    keyword: str,
    effect_of: Callable[[str, str], Effect] = lambda _before, _after: Effect.OTHER,
) -> Iterator[Difference]:
    """The differences in a keyword of which all texts apply.

    :param effect_of: the effect of one text replaced by another
    """
    before = {value: pointer for pointer, value in old.every(keyword) if value not in _ANYTHING}
    after = {value: pointer for pointer, value in new.every(keyword) if value not in _ANYTHING}
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
            keyword_became(keyword, None if was is None else f"`{was}`", None if now is None else f"`{now}`"),
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
        # All numbers are doubles: another format replaces it, or it has no effect.
        before, after = (_numeric_format(view) for view in (old, new))
        if before == after:
            return
    yield from _texts(old, new, "format", effect_of)


def _numeric_format(view: View) -> set[str]:
    return {value for _, value in view.every("format")} - {"double"}


def _unique_items(old: View, new: View) -> Iterator[Difference]:
    before, after = (any(value is True for _, value in view.every("uniqueItems")) for view in (old, new))
    if before is not after:
        yield Difference(
            "uniqueItems",
            keyword_place(old, new, "uniqueItems"),
            "items must differ from each other now." if after else "items may be equal now.",
            Effect.NARROWER if after else Effect.WIDER,
            "Send no item twice.",
            "Be ready for equal items.",
            "yes" if after else "no",
        )
