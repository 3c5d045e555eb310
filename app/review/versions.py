"""Does the contract's version move as far as the change demands?"""

import re
from collections.abc import Sequence

from app.contract.source import Source
from app.review.comparing.differences import NOTHING, Rating
from app.review.reviewing import Finding, Use

# Versions that begin with a year count releases behind it, as authentik's do.
_FIRST_YEAR = 1000


def check_version(old: Source, new: Source, findings: Sequence[Finding]) -> Finding | None:
    """What is wrong with `info.version`, if anything is.

    It has to grow if anything but words differs: in the number that says so if anything breaks. It never becomes an earlier one.

    :param findings: all that differs, waived or not: a waiver accepts a break, and clients meet it all the same
    """
    before, after = (str(source.document["info"]["version"]) for source in (old, new))
    worst = max((finding.rating for finding in findings), default=Rating.DOCS)
    numbers, later = _numbers(before), _numbers(after)
    if before != after and not (numbers and later):
        # Nobody can tell which of them comes first.
        return None
    demanded = _grown(numbers, worst)
    if later < numbers:
        rating, why = Rating.BREAKING, f", which is earlier than {before}"
    elif worst is not Rating.DOCS and (before == after or later < demanded):
        count = sum(finding.rating is worst for finding in findings)
        was = " as before" if before == after else f", it was {before}"
        rating, why = worst, f"{was}, and {count} {worst} finding{'s ask' if count > 1 else ' asks'} for more"
    else:
        return None
    least = f"{'.'.join(map(str, demanded))} or a later one" if demanded else "another one"
    use = Use(None, rating, NOTHING, ())
    what = f"`info.version` is {after}{why}. Make it {least}."
    return Finding(f"version {before} -> {after}", "version", what, new.locate(("info", "version")), None, (use,))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version.partition("-")[0])]


def _grown(numbers: list[int], rating: Rating) -> list[int]:
    """The least version that tells of a change: its first number if it breaks, the one behind if not (https://semver.org)."""
    if not numbers or rating is Rating.DOCS:
        return numbers
    # The first number tells nothing of what breaks if it is a year, or 0.
    first = 1 if len(numbers) > 1 and (numbers[0] == 0 or numbers[0] >= _FIRST_YEAR) else 0
    place = first if rating is Rating.BREAKING else min(first + 1, len(numbers) - 1)
    return [*numbers[:place], numbers[place] + 1, *(0 for _ in numbers[place + 1 :])]
