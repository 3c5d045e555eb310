"""What is said of a keyword that differs between two schemas, and where."""

from app.review.comparing.differences import Place
from app.review.comparing.views import View


def keyword_place(old: View, new: View, *keywords: str) -> Place:
    """Where a difference is shown: at the first of some keywords that has changed, in the new contract if it is there."""
    for keyword in keywords:
        before, after = old.last(keyword), new.last(keyword)
        if (before and before[1]) != (after and after[1]):
            return Place(after[0]) if after else Place(before[0] if before else (), old=True)
    return Place(new.parts[-1][0] if new.parts else new.place)


def keyword_became(keyword: str, before: str | None, after: str | None) -> str:
    """What became of the value of a keyword, the rest of a sentence."""
    if before is None:
        return f"`{keyword}` is {after}, there was none."
    return f"`{keyword}` is gone, it was {before}." if after is None else f"`{keyword}` is {after}, it was {before}."
