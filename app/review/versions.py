"""Does the contract's version move as far as the change demands?"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple

from app.contract.document.contract import Contract
from app.review.comparing.differences import NOTHING, Rating
from app.review.reviewing import Finding, Use

# Versions that begin with a year count releases behind it, as authentik's do.
_FIRST_YEAR = 1000

_NUMBERS = re.compile(r"[vV]?(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?|(\d\d)(\d\d))(?:[-.]?([A-Za-z][0-9A-Za-z.-]*))?")
# What comes behind a version, and does not come before it (Python's version specifiers, "Post-releases").
_POST = re.compile(r"\.post(\d+)")


class _Version(NamedTuple):
    """A version that can be compared.

    :param numbers: its numbers, or the one of a date
    :param date: the day, if it is one
    :param before: what says that it comes before the version of its numbers (https://semver.org, section 9)
    """

    numbers: list[int]
    date: dt.date | None
    before: str

    @property
    def order(self) -> tuple[list[int], bool, list[tuple[bool, int, str]]]:
        """What tells which of two comes first (https://semver.org, section 11); a number that is missing is 0."""
        numbers = self.numbers.copy()
        while numbers and not numbers[-1]:
            numbers.pop()
        parts = re.findall(r"\d+|[^\d.-]+", self.before)
        return (
            numbers,
            not self.before,
            [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts],
        )


def check_version(old: Contract, new: Contract, findings: Sequence[Finding]) -> Finding | None:
    """What is wrong with `info.version`, if anything is.

    It has to grow if anything but words differs: in the number that says so if anything breaks. It never becomes an earlier one. A
    date has to be a later one, and so has a version that comes before the one of its numbers, which promises nothing.

    :param findings: all that differs, waived or not: a waiver accepts a break, and clients meet it all the same
    """
    before, after = (str(contract.document["info"]["version"]) for contract in (old, new))
    worst = max((finding.rating for finding in findings), default=Rating.DOCS)
    was, now = _version(before), _version(after)
    if before != after and (was is None or now is None or (was.date is None) is not (now.date is None)):
        # Nobody can tell which of them comes first.
        return None
    is_earlier = was is not None and now is not None and now.order < was.order
    demanded, wanted = _demanded(was, worst)
    is_enough = (
        before != after and was is not None and now is not None and now.order >= demanded and now.order > was.order
    )
    if is_earlier:
        rating, why = Rating.BREAKING, f", which is earlier than {before}"
    elif worst is not Rating.DOCS and not is_enough:
        count = sum(finding.rating is worst for finding in findings)
        as_before = " as before" if before == after else f", it was {before}"
        rating, why = worst, f"{as_before}, and {count} {worst} finding{'s ask' if count > 1 else ' asks'} for more"
    else:
        return None
    use = Use(None, rating, NOTHING, ())
    what = f"`info.version` is {after}{why}. Make it {wanted}."
    return Finding(f"version {before} -> {after}", "version", what, new.locate(("info", "version")), None, (use,))


def _version(text: str) -> _Version | None:
    """A version as a date or as numbers; None if it is neither."""
    if (found := _DATE.fullmatch(text.strip())) is not None:
        year, rest = found[1], found[6]
        month, day = (found[2], found[3] or 1) if found[2] else (found[4], found[5])
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError:
            pass
        else:
            return _Version([date.toordinal()], date, rest or "")
    if (found := _NUMBERS.fullmatch(text.strip())) is None:
        return None
    numbers, rest = [int(number) for number in found[1].split(".")], found[2] or ""
    if (post := _POST.fullmatch(rest)) is not None:
        return _Version([*numbers, int(post[1])], None, "")
    return _Version(numbers, None, rest)


def _demanded(
    version: _Version | None, rating: Rating
) -> tuple[tuple[list[int], bool, list[tuple[bool, int, str]]], str]:
    """The least version that tells of a change, for comparison and for people."""
    if version is None:
        return ([], False, []), "another one"
    if version.date is not None:
        return (
            version.order,
            f"a day after {version.date}" if rating is not Rating.DOCS else f"{version.date} or a later day",
        )
    if version.before:
        least = ".".join(map(str, version.numbers))
        return version.order, f"{least} or a later one"
    grown = _grown(version.numbers, rating)
    # One that comes before it tells of the change as well.
    return _Version(grown, None, "0").order, f"{'.'.join(map(str, grown))} or a later one"


def _grown(numbers: list[int], rating: Rating) -> list[int]:
    """The least numbers that tell of a change: the first one grows if it breaks, the one behind if not (https://semver.org)."""
    if rating is Rating.DOCS:
        return numbers
    # The first number tells nothing of what breaks if it is a year, or 0.
    first = 1 if len(numbers) > 1 and (numbers[0] == 0 or numbers[0] >= _FIRST_YEAR) else 0
    place = first if rating is Rating.BREAKING else min(first + 1, len(numbers) - 1)
    return [*numbers[:place], numbers[place] + 1, *(0 for _ in numbers[place + 1 :])]
