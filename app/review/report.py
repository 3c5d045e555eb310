"""All that is said of a change: what differs, what is waived, what the version says, what recorded traffic and a store show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.contract.document.contract import Contract
from app.contract.document.findings import Finding as Note
from app.review.comparing.differences import Rating
from app.review.evidence import Evidence
from app.review.grouping import grouped
from app.review.reviewing import Finding, review
from app.review.stored import StoredEffects
from app.review.versions import check_version
from app.review.waivers import Waived, Waiver, waive


@dataclass(frozen=True)
class Report:
    """What is said of a change.

    :param base: what the old contract is called
    :param findings: what differs, what matters most first
    :param waived: which of them are waived, and which waivers are of no use
    :param evidence: what recorded traffic shows, if there is any
    :param notes: what is wrong with the old contract, which was compared all the same
    :param stored: what it means for stored objects, if these were looked at
    """

    base: str
    findings: Sequence[Finding]
    waived: Waived
    evidence: Evidence | None
    notes: Sequence[Note] = ()
    stored: StoredEffects | None = None

    def rated(self, rating: Rating) -> list[Finding]:
        """The findings of a rating."""
        return [finding for finding in self.findings if finding.rating is rating]

    def fails(self, fail_on: Rating | None) -> bool:
        """Whether the change is to be stopped: by a finding that is not waived, or by a waiver that is of no use.

        :param fail_on: the least rating that stops it; None if no finding does
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
) -> Report:
    """Review a change.

    :param old: the contract that clients know
    :param new: the contract that is proposed
    :param today: the day by which waivers end
    :param notes: what is wrong with the old contract
    :param stored: what it means for stored objects
    """
    found = grouped(review(old, new))
    if (version := check_version(old, new, found)) is not None:
        found = [version, *found]
    return Report(old.name, found, waive(found, waivers, today), evidence, notes, stored)
