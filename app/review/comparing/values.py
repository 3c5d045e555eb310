"""What differs in the values that two schemas admit, looked at one by one: types, enums, limits, patterns, formats."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from app.contract.source import Pointer
from app.review.comparing.differences import NOTHING, Difference, Effect, Place, shown
from app.review.comparing.views import TYPES, View

# The keywords that limit values of each type from below and from above.
_LIMITS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
    "integer": ("minimum", "maximum"),
}

# Formats that tell a client how to show a value, and nothing of the value.
_SHOWN_ONLY = frozenset({"password"})

# Formats all of whose values are those of another one as well.
_WITHIN = {("int32", "int64"), ("float", "double")}


def compare_values(old: View, new: View) -> Iterator[Difference]:
    """How the values differ that two schemas admit, their parts aside."""
    yield from _types(old, new)
    if not comparable(old, new):
        return
    yield from _enums(old, new)
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


def comparable(old: View, new: View) -> bool:
    """Whether two schemas have values of a type in common, so that there is more to compare than the type."""
    return bool((old.types & new.types) - {"null"}) or old.types == new.types


def _types(old: View, new: View) -> Iterator[Difference]:
    before, after = old.types, new.types
    if old.is_typed and new.is_typed:
        if ("null" in before) is not ("null" in after):
            yield _nullable(old, new)
        before, after = before - {"null"}, after - {"null"}
        if old.enum is not None and new.enum is not None and comparable(old, new):
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


def _type_name(types: frozenset[str]) -> str:
    if types == TYPES:
        return "any"
    if "fraction" in types:
        types = types - {"fraction", "integer"} | {"number"}
    return " or ".join(sorted(types)) or "none"


def _nullable(old: View, new: View) -> Difference:
    place = _place_of(old, new, "nullable", "enum", "type")
    if "null" in new.types:
        return Difference(
            "nullable", place, "null is admitted now.", Effect.WIDER, answer="Be ready for null.", values="yes"
        )
    return Difference(
        "nullable", place, "null is no longer admitted.", Effect.NARROWER, request="Send no null.", values="no"
    )


def _enums(old: View, new: View) -> Iterator[Difference]:
    if old.enum is None and new.enum is None:
        return
    if old.enum is None or new.enum is None:
        place = _place_of(old, new, "enum")
        if old.enum is None:
            detail, effect, values = "only listed values are admitted now.", Effect.NARROWER, "listed"
        else:
            detail, effect, values = "any value is admitted now, not only listed ones.", Effect.WIDER, "any"
        yield Difference(
            "enum", place, detail, effect, "Send one of the listed values only.", "Be ready for any value.", values
        )
        return
    for text, (pointer, value) in old.enum.items():
        if text not in new.enum and value is not None:
            yield Difference(
                "enum-value-removed",
                Place(pointer, old=True),
                f"the value {shown(value)} is gone.",
                Effect.NARROWER,
                request=f"Send {shown(value)} no more.",
                values=shown(value),
            )
    for text, (pointer, value) in new.enum.items():
        if text not in old.enum and value is not None:
            yield Difference(
                "enum-value-added",
                Place(pointer),
                f"the value {shown(value)} is new.",
                Effect.WIDER,
                answer=f"Be ready for {shown(value)}.",
                values=shown(value),
            )


class _Limit(NamedTuple):
    """The limit that counts.

    :param strength: the stronger, the fewer values are within
    """

    strength: tuple[float, bool]
    text: str
    pointer: Pointer


def _limits(old: View, new: View, keyword: str) -> Iterator[Difference]:
    before, after = _limit(old, keyword), _limit(new, keyword)
    if (before and before.strength) == (after and after.strength):
        return
    narrower = before is None or (after is not None and after.strength > before.strength)
    yield Difference(
        keyword,
        Place(after.pointer) if after else _gone(before),
        _became(keyword, before and before.text, after and after.text),
        Effect.NARROWER if narrower else Effect.WIDER,
        "Send only values within the new limit.",
        "Be ready for values beyond the old limit.",
        f"{before.text if before else 'none'} -> {after.text if after else 'none'}",
    )


def _limit(view: View, keyword: str) -> _Limit | None:
    sign = 1 if keyword.startswith("min") else -1
    found = None
    for pointer, schema in view.parts:
        value = schema.get(keyword)
        if value is None or (value == 0 and keyword != "minimum" and sign == 1):
            continue
        exclusive = schema.get("exclusive" + keyword.capitalize()) is True
        limit = _Limit(
            (sign * value, exclusive), f"{value}, exclusive" if exclusive else str(value), (*pointer, keyword)
        )
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

    yield from _texts(old, new, "format", effect_of)


def _multiples(old: View, new: View) -> Iterator[Difference]:
    before, after = old.last("multipleOf"), new.last("multipleOf")
    was, now = before and before[1], after and after[1]
    if was == now:
        return
    if was is None or (now is not None and now % was == 0):
        effect = Effect.NARROWER
    else:
        effect = Effect.WIDER if now is None or was % now == 0 else Effect.OTHER
    yield Difference(
        "multipleOf",
        _place_of(old, new, "multipleOf"),
        _became("multipleOf", None if was is None else str(was), None if now is None else str(now)),
        effect,
        "Send multiples of the new number only.",
        "Be ready for other numbers.",
        f"{was or 'none'} -> {now or 'none'}",
    )


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
