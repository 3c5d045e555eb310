"""Check that the contract's version increases as much as the change requires."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple

from app.contract.document.contract import Contract
from app.review.comparing.differences import NOTHING, Rating
from app.review.reviewing import Finding, Use

# Versions that begin with a year count releases after it, as authentik's do.
_FIRST_YEAR = 1000

_NUMBERS = re.compile(r"[vV]?(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?|(\d\d)(\d\d))(?:[-.]?([A-Za-z][0-9A-Za-z.-]*))?")
# A suffix of a version that sorts after it (Python's version specifiers, "Post-releases").
_POST = re.compile(r"\.post(\d+)")


class _Version(NamedTuple):
    """A comparable version.

    :param numbers: its numbers, or the one of a date
    :param date: the date, if it is one
    :param before: the suffix of a pre-release (https://semver.org, section 9)
    """

    numbers: list[int]
    date: dt.date | None
    before: str

    @property
    def order(self) -> tuple[list[int], bool, list[tuple[bool, int, str]]]:
        """The sort key (https://semver.org, section 11); a missing number is 0."""
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
    """The finding on `info.version`, if there is one.

    It has to increase for every change other than of descriptions: by its major number for a breaking one. It never decreases. A
    date or a pre-release, which promises nothing, has to be a later one.

    :param findings: all differences, waived or not: clients meet a waived one all the same
    """
    before, after = (str(contract.document["info"]["version"]) for contract in (old, new))
    worst = max((finding.rating for finding in findings), default=Rating.DOCS)
    was, now = _version(before), _version(after)
    if before != after and (was is None or now is None or (was.date is None) is not (now.date is None)):
        # Their order is undefined.
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
    """Parse a version as a date or as numbers; None if it is neither."""
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
    """The least version for a change, for comparison and for display."""
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
    # A pre-release of it is sufficient as well.
    return _Version(grown, None, "0").order, f"{'.'.join(map(str, grown))} or a later one"


def _grown(numbers: list[int], rating: Rating) -> list[int]:
    """The least numbers for a change: the major one increases if it is breaking, or else the minor one (https://semver.org)."""
    if rating is Rating.DOCS:
        return numbers
    # A first number that is a year, or 0, is not a major version.
    first = 1 if len(numbers) > 1 and (numbers[0] == 0 or numbers[0] >= _FIRST_YEAR) else 0
    place = first if rating is Rating.BREAKING else min(first + 1, len(numbers) - 1)
    return [*numbers[:place], numbers[place] + 1, *(0 for _ in numbers[place + 1 :])]
