"""Comparison of the enums of two schemas."""

from collections.abc import Iterator
from typing import Any

from app.contract.document.contract import Pointer
from app.review.comparing.differences import Difference, Effect, Place, digest, shown
from app.review.comparing.keywords import keyword_place
from app.review.comparing.limits import limit_of
from app.review.comparing.views import View

Listed = dict[str, tuple[Pointer, Any]]
"""The values of an enum, by their text, each with its place."""

# The maximum number of integers to enumerate.
_FEW = 256


def compare_enums(old: View, new: View) -> Iterator[Difference]:
    """The differences in enums, if at least one schema has one."""
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
            response=f"Be ready for {text}.",
            values=text,
        )


def _has(view: View, listed: Listed | None, text: str, value: Any) -> bool:
    return view.admits(value) if listed is None else text in listed


def _all(view: View) -> Listed | None:
    """All valid values of a schema without an enum, if they are few; None if not."""
    types = view.types - {"null"}
    if types == {"boolean"}:
        return {shown(value): (view.parts[-1][0], value) for value in (True, False)}
    least, most = limit_of(view, "minimum", whole=True), limit_of(view, "maximum", whole=True)
    if types != {"integer"} or least is None or most is None:
        return None
    first, last = int(least.strength[0]), int(-most.strength[0])
    if last - first >= _FEW:
        return None
    values = (value for value in range(first, last + 1) if view.admits(value))
    return {shown(value): (least.pointer, value) for value in values}


def _listed(old: View, new: View, before: Listed | None, after: Listed | None) -> Iterator[Difference]:
    """The difference if only one schema has an enum."""
    place = keyword_place(old, new, "enum")
    if before is None:
        detail, effect = "only listed values are admitted now.", Effect.NARROWER
        values = f"listed {digest(sorted(after or ()))}"
    else:
        detail, effect, values = "any value is admitted now, not only listed ones.", Effect.WIDER, "any"
    request, response = "Send one of the listed values only.", "Be ready for any value."
    yield Difference("enum", place, detail, effect, request, response, values)
