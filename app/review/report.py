"""The report on a change: differences, waivers, version, effects on recorded traffic and on a store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.contract.document.contract import Contract
from app.contract.document.findings import Finding as Note
from app.review.causes import Causes
from app.review.comparing.differences import Rating
from app.review.evidence import Evidence
from app.review.grouping import grouped
from app.review.narrowing import EVERYTHING, Narrowing
from app.review.reviewing import Finding, review
from app.review.stored import StoredEffects
from app.review.versions import check_version
from app.review.waivers import Waived, Waiver, waive


@dataclass(frozen=True)
class Report:
    """A report on a change.

    :param base: the name of the old contract
    :param findings: the differences, most important first
    :param waived: the waived ones, and unnecessary waivers
    :param evidence: the effect on recorded traffic, if there is any
    :param notes: findings in the old contract, which was compared nevertheless
    :param stored: the effect on stored objects, if they were checked
    :param released: whether versions are compared, whose changes need no waivers
    """

    base: str
    findings: Sequence[Finding]
    waived: Waived
    evidence: Evidence | None
    notes: Sequence[Note] = ()
    stored: StoredEffects | None = None
    released: bool = False

    def rated(self, rating: Rating) -> list[Finding]:
        """The findings of a rating."""
        return [finding for finding in self.findings if finding.rating is rating]

    def fails(self, fail_on: Rating | None) -> bool:
        """Whether the change fails the review: by a finding that is not waived, or by an unnecessary waiver.

        :param fail_on: the lowest rating that fails; None if no finding does
        """
        left = (finding.rating for finding in self.findings if finding.name not in self.waived.by_name)
        return bool(self.waived.problems) or (fail_on is not None and any(rating >= fail_on for rating in left))


def report(
    old: Contract,
    new: Contract,
    waivers: Sequence[Waiver],
    today: date,
    evidence: Evidence | None,
    notes: Sequence[Note] = (),
    stored: StoredEffects | None = None,
    use: Narrowing = EVERYTHING,
) -> Report:
    """Review a change.

    :param old: the contract of existing clients
    :param new: the proposed contract
    :param today: the date for the expiry of waivers
    :param notes: findings in the old contract
    :param stored: the effect on stored objects
    :param use: the part of the API that is used
    """
    found = grouped(review(old, new))
    released = bool(old.overlays or new.overlays)
    if not released and (version := check_version(old, new, found)) is not None:
        found = [version, *found]
    causes = Causes(old, new)
    # A waiver may be for a finding that is not reported here.
    waived = waive(found, waivers, today)
    found = [
        replace(one, causes=causes.of(one.operations, one.location, one.was)) for one in use.narrowed(found, old, new)
    ]
    base = old.overlays[-1].name if old.overlays else old.name
    return Report(base, found, waived, evidence, notes, stored, released)
