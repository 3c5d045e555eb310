"""What is wrong with a blueprint, and where in its text."""

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """A place in a text. Line and column count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


START = Place(1, 1)


class BlueprintFinding(NamedTuple):
    """One thing that is wrong.

    :param place: where it is
    :param message: what is wrong, one sentence
    :param property_name: the property of an object that it is about, if it is about one
    """

    place: Place
    message: str
    property_name: str | None = None

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.property_name}: {self.message}"
            if self.property_name
            else f"{self.place}: {self.message}"
        )


class BlueprintError(Exception):
    """A blueprint can't be applied.

    :param findings: everything that is known to be wrong, at least one
    """

    def __init__(self, findings: Sequence[BlueprintFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class Exhausted(BlueprintError):
    """What a blueprint may take of the server is used up: nothing more of it is looked at."""


class NotServed(BlueprintError):
    """The model of an entry, or of a look-up, is not in the contract.

    :param problem: the message that says so
    :param advice: what to do
    """

    def __init__(self, place: Place, problem: str, advice: str) -> None:
        super().__init__([BlueprintFinding(place, f"{problem} {advice}".rstrip())])
        self.problem = problem


Note = BlueprintFinding
"""One thing that is ignored, or that may not be meant so."""


def finding(place: Place, message: str, property_name: str | None = None) -> BlueprintError:
    """The error of a single error."""
    return BlueprintError([BlueprintFinding(place, message, property_name)])
