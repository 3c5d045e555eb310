"""What is wrong with a contract, and where: the one form of every message at boot."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    """

    location: Location
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.location}: {self.problem} {self.remedy}"


class ContractError(Exception):
    """The contract can't be served as it stands.

    :param findings: everything that is wrong, at least one
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)
