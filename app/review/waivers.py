"""Waivers: accepted findings with a reason and an expiry date, in `waivers.yaml` beside the contract."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from app.contract.document import findings
from app.contract.document.contract import File, Pointer
from app.contract.document.findings import ContractError
from app.contract.document.yaml_file import parse
from app.review.reviewing import Finding

_PROPERTIES = {
    "finding": "the finding's name, as `flows diff` prints it",
    "reason": "why it is accepted",
    "until": "the last day of it, as 2030-12-31",
}


@dataclass(frozen=True)
class Waiver:
    """A waiver of one finding.

    :param finding: its name
    :param reason: for readers
    :param until: the last day of its validity
    :param location: in the file
    """

    finding: str
    reason: str
    until: date
    location: findings.Location


@dataclass(frozen=True)
class Waived:
    """The effect of waivers on the findings of a review.

    :param by_name: the valid waivers, by the name of their finding
    :param problems: the expired and the unnecessary waivers
    """

    by_name: Mapping[str, Waiver]
    problems: Sequence[findings.Finding]


def read_waivers(path: Path, name: str) -> list[Waiver]:
    """Read the waivers in a file.

    :param name: the file's name for messages
    :raises ContractError: it is invalid
    :raises OSError: it can't be read
    """
    file = parse(path, name, path.read_bytes(), "`waivers:`")
    entries = file.document.get("waivers")
    wrong = [
        findings.Finding(file.locate((key,)), f"The key {key!r} has no meaning here.", "Use `waivers:` only.")
        for key in file.document.keys() - {"waivers"}
    ]
    if not isinstance(entries, list):
        entries = []
        wrong.append(
            findings.Finding(file.locate(("waivers",)), "There is no list of waivers.", "Write `waivers: []`.")
        )
    for index, entry in enumerate(entries):
        wrong += _wrong(file, ("waivers", index), entry)
    if wrong:
        raise ContractError(sorted(wrong))
    return [
        Waiver(entry["finding"], entry["reason"], date.fromisoformat(entry["until"]), file.locate(("waivers", index)))
        for index, entry in enumerate(entries)
    ]


def _wrong(file: File, pointer: Pointer, entry: Any) -> Iterator[findings.Finding]:
    if not isinstance(entry, dict):
        yield findings.Finding(file.locate(pointer), "A waiver is a mapping.", f"Give it {', '.join(_PROPERTIES)}.")
        return
    for key in entry.keys() - _PROPERTIES.keys():
        yield findings.Finding(
            file.locate((*pointer, key)), f"The key {key!r} has no meaning here.", f"Use {', '.join(_PROPERTIES)}."
        )
    for key, meaning in _PROPERTIES.items():
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip() or (key == "until" and not _is_day(value)):
            place = (*pointer, key) if key in entry else pointer
            yield findings.Finding(file.locate(place), f"The waiver does not say {meaning}.", f"Give `{key}`.")


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def waive(found: Sequence[Finding], waivers: Sequence[Waiver], today: date) -> Waived:
    """Apply waivers to findings, and find unnecessary ones."""
    names = {finding.name for finding in found}
    by_name: dict[str, Waiver] = {}
    problems = []
    for waiver in waivers:
        problem = remedy = ""
        if waiver.finding not in names:
            problem, remedy = "Nothing is found that this waiver is for.", "Remove it."
        elif waiver.until < today:
            problem, remedy = f"The waiver ended on {waiver.until}.", "Change the contract, or agree on another day."
        elif waiver.finding in by_name:
            problem, remedy = f"{by_name[waiver.finding].location} waives the same.", "Remove one of them."
        if problem:
            problems.append(findings.Finding(waiver.location, f"{problem} ({waiver.finding})", remedy))
        else:
            by_name[waiver.finding] = waiver
    return Waived(by_name, problems)
