"""Grouping of the findings of one change that is made in several schemas."""

from collections.abc import Sequence

from app.review.comparing.differences import digest, listed
from app.review.reviewing import Finding, Part, Same, Use


def grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Merge findings of the same change of the same property of several schemas, if their effects on clients are equal.

    :param findings: most important first
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for index, finding in enumerate(findings):
        means = tuple((use.side, use.rating, use.advice) for use in finding.uses)
        key = (finding.rule, finding.same, means) if finding.same is not None else (index,)
        groups.setdefault(key, []).append(finding)
    return [_one(group, group[0].same) for group in groups.values()]


def _one(findings: Sequence[Finding], common: Same | None) -> Finding:
    first = findings[0]
    if common is None or len(findings) == 1:
        return first
    parts = [Part(finding.subject, finding.location, finding.was) for finding in findings]
    subjects = [part.subject for part in parts]
    uses = [
        Use(use.side, use.rating, use.advice, tuple(dict.fromkeys(name for one in same for name in one.operations)))
        for use, same in zip(first.uses, zip(*(finding.uses for finding in findings), strict=True), strict=True)
    ]
    return Finding(
        " ".join(
            filter(None, (first.rule, first.subject, f"and {len(parts) - 1} more", common.values, digest(subjects)))
        ),
        first.rule,
        f"{listed(subjects)}: {common.detail}",
        first.location,
        first.was,
        tuple(uses),
        first.subject,
        common,
        tuple(parts[1:]),
    )
