"""Place and text of a difference in a keyword of two schemas."""

from app.review.comparing.differences import Place
from app.review.comparing.views import View


def keyword_place(old: View, new: View, *keywords: str) -> Place:
    """The place of a difference: at the first of some keywords that has changed, in the new contract if possible."""
    for keyword in keywords:
        before, after = old.last(keyword), new.last(keyword)
        if (before and before[1]) != (after and after[1]):
            return Place(after[0]) if after else Place(before[0] if before else (), old=True)
    return Place(new.parts[-1][0] if new.parts else new.place)


def keyword_became(keyword: str, before: str | None, after: str | None) -> str:
    """The change of the value of a keyword, as the rest of a sentence."""
    if before is None:
        return f"`{keyword}` is {after}, there was none."
    return f"`{keyword}` is gone, it was {before}." if after is None else f"`{keyword}` is {after}, it was {before}."
