"""Comparison of descriptions, which no program reads."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from app.contract.document.contract import Pointer
from app.review.comparing.differences import Difference, Effect, Found, Place, digest, shown, unextended
from app.review.comparing.extensions import compare_extensions_of

WORDS = ("description", "summary", "title", "example", "examples", "externalDocs")

Part = tuple[Pointer, Mapping[str, Any]]


def compare_words(old: Iterable[Part], new: Iterable[Part], keywords: Iterable[str] = WORDS) -> Iterator[Difference]:
    """The differences in the descriptions of objects that describe the same thing."""
    old, new = list(old), list(new)
    for keyword in keywords:
        before, after = _found(old, keyword), _found(new, keyword)
        gone = [text for text in before if text not in after]
        come = [text for text in after if text not in before]
        for was, now in zip_longest(gone, come):
            became = "gone" if now is None else "new" if was is None else "another"
            place = Place(after[now]) if now is not None else Place(before[was], old=True)
            values = digest([was, now])
            yield Difference(keyword, place, f"`{keyword}` is {became}.", Effect.TEXT, values=values)
    before_within, after_within = _within(old), _within(new)
    for name in before_within.keys() & after_within.keys():
        yield from compare_extensions_of(before_within[name], after_within[name])


def _found(parts: list[Part], keyword: str) -> dict[str, Pointer]:
    return {shown(_plain(part[keyword], keyword)): (*pointer, keyword) for pointer, part in parts if keyword in part}


def _plain(value: Any, keyword: str) -> Any:
    """A description without the extensions of the objects in it."""
    if keyword == "examples" and isinstance(value, dict):
        return {name: unextended(example) for name, example in value.items()}
    return unextended(value) if keyword == "externalDocs" else value


def _within(parts: list[Part]) -> dict[str, Found]:
    """Nested objects with descriptions that may have extensions, by name."""
    found: dict[str, Found] = {}
    for pointer, part in parts:
        if isinstance(documents := part.get("externalDocs"), dict):
            found[""] = (*pointer, "externalDocs"), documents
        examples = part.get("examples")
        for name, example in examples.items() if isinstance(examples, dict) else ():
            if isinstance(example, dict):
                found[name] = (*pointer, "examples", name), example
    return found
