"""What is wrong with a contract, and where: the one form of every message at boot."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong.

    :param location: where it is
    :param problem: what is wrong, one sentence
    :param remedy: what to do, one sentence
    :param value: where what it is about is written, if that may be shown at several places by aliases
    """

    location: Location
    problem: str
    remedy: str
    value: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.location}: {self.problem} {self.remedy}"


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in order without duplicates: one in an aliased part is at its anchor."""
    found: dict[tuple[Location, str, str], Finding] = {}
    for finding in sorted(findings):
        found.setdefault((finding.value or finding.location, finding.problem, finding.remedy), finding)
    return list(found.values())


def shown(value: Any) -> str:
    """A value of a contract in a message: JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_SHOWN = 60


class ContractError(Exception):
    """The contract can't be served as it stands.

    :param findings: everything that is wrong, at least one
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)
