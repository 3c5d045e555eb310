"""Findings of the boot checks, with their locations."""

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, order=True)
class Location:
    """A location in a file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Finding:
    """A finding.

    :param location: its location
    :param problem: the problem, as a sentence
    :param remedy: the correction, as a sentence
    :param value: the location of the value in question, if aliases may repeat it
    """

    location: Location
    problem: str
    remedy: str
    value: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.location}: {self.problem} {self.remedy}"


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Remove duplicate findings in order: one in an aliased part is at its anchor."""
    found: dict[tuple[Location, str, str], Finding] = {}
    for finding in sorted(findings):
        found.setdefault((finding.value or finding.location, finding.problem, finding.remedy), finding)
    return list(found.values())


def similar(name: str, known: Iterable[str]) -> str:
    """The known name most similar to an unknown one; empty if none is similar."""
    names = [other for other in known if other != name]
    exact = next((other for other in names if other.lower() == name.lower()), "")
    return exact or next(iter(difflib.get_close_matches(name, names, 1, cutoff=0.7)), "")


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The remedy for an unknown name.

    :param otherwise: the remedy if no known name is similar
    """
    meant = similar(name, known)
    return f"Did you mean `{meant}`?" if meant else otherwise


def shown(value: Any) -> str:
    """A value of a contract in a message: truncated JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_SHOWN = 60


class ContractError(Exception):
    """An invalid contract that can't be served.

    :param findings: all findings, at least one
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)
