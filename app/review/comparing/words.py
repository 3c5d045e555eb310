"""What differs in words for people, which no program reads."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from app.contract.source import Pointer
from app.review.comparing.differences import Difference, Effect, Place, digest, shown

WORDS = ("description", "summary", "title", "example", "examples", "externalDocs")

Part = tuple[Pointer, Mapping[str, Any]]


def compare_words(old: Iterable[Part], new: Iterable[Part], keywords: Iterable[str] = WORDS) -> Iterator[Difference]:
    """What differs in the words of objects that describe the same thing."""
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


def _found(parts: list[Part], keyword: str) -> dict[str, Pointer]:
    return {shown(part[keyword]): (*pointer, keyword) for pointer, part in parts if keyword in part}
