"""Does the contract's version move when clients break?"""

import re
from collections.abc import Sequence

from app.contract.source import Source
from app.review.comparing.differences import Rating
from app.review.reviewing import Finding, Use

# Versions that begin with a year count months behind it, as authentik's do.
_FIRST_YEAR = 1000


def check_version(old: Source, new: Source, breaking: Sequence[Finding]) -> Finding | None:
    """What is wrong with `info.version`: it must be a later one if anything breaks, and never an earlier one.

    :param breaking: the findings that break clients, and are not waived
    """
    before, after = (str(source.document["info"]["version"]) for source in (old, new))
    if before == after and breaking:
        count = f"{len(breaking)} finding{'s break' if len(breaking) > 1 else ' breaks'}"
        what = f"`info.version` is {after} as before, though {count} clients. Make it another one{_proposed(before)}."
    elif before != after and _is_earlier(after, before):
        what = f"`info.version` is {after}, which comes before {before}. Make it a later one{_proposed(before)}."
    else:
        return None
    location = new.locate(("info", "version"))
    use = Use(None, Rating.BREAKING, "Nothing: the version will tell.", ())
    return Finding(f"version {before} -> {after}", "version", what, location, None, (use,))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version.partition("-")[0])]


def _is_earlier(version: str, other: str) -> bool:
    return bool(_numbers(version) and _numbers(other)) and _numbers(version) < _numbers(other)


def _proposed(version: str) -> str:
    """A version that says that clients break."""
    numbers = _numbers(version)
    if not numbers:
        return ""
    moved = 1 if numbers[0] >= _FIRST_YEAR and len(numbers) > 1 else 0
    numbers = [*numbers[:moved], numbers[moved] + 1, *(0 for _ in numbers[moved + 1 :])]
    return f", such as {'.'.join(map(str, numbers))}"
