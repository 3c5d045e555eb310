"""What differs in words for people, which no program reads."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.contract.source import Pointer
from app.review.comparing.differences import Difference, Effect, Place, shown

WORDS = ("description", "summary", "title", "example", "examples", "externalDocs")

Part = tuple[Pointer, Mapping[str, Any]]


def compare_words(old: Iterable[Part], new: Iterable[Part], keywords: Iterable[str] = WORDS) -> Iterator[Difference]:
    """What differs in the words of objects that describe the same thing."""
    old, new = list(old), list(new)
    for keyword in keywords:
        before, after = _found(old, keyword), _found(new, keyword)
        gone = [place for text, place in before.items() if text not in after]
        come = [place for text, place in after.items() if text not in before]
        for index in range(max(len(gone), len(come))):
            if index < len(come):
                detail = f"`{keyword}` is another." if index < len(gone) else f"`{keyword}` is new."
                yield Difference(keyword, Place(come[index]), detail, Effect.TEXT)
            else:
                yield Difference(keyword, Place(gone[index], old=True), f"`{keyword}` is gone.", Effect.TEXT)


def _found(parts: list[Part], keyword: str) -> dict[str, Pointer]:
    return {shown(part[keyword]): (*pointer, keyword) for pointer, part in parts if keyword in part}
