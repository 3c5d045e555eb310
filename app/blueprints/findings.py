"""Findings in a blueprint, with their places in its text."""

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """A place in a text, with line and column from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


START = Place(1, 1)


class BlueprintFinding(NamedTuple):
    """An error in a blueprint.

    :param place: of the error
    :param message: one sentence
    :param property_name: the property of an object, if the error is about one
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

    :param findings: all known errors, at least one
    """

    def __init__(self, findings: Sequence[BlueprintFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class Exhausted(BlueprintError):
    """A limit of an import is reached: the rest of the blueprint is not read."""


class NotHere(BlueprintError):
    """Something does not exist here: a model, a variable, a file or an object. `--skip-unknown` skips the entry.

    :param problem: the message
    :param advice: the remedy, if there is one
    """

    def __init__(self, place: Place, problem: str, advice: str = "") -> None:
        super().__init__([BlueprintFinding(place, f"{problem} {advice}".rstrip())])
        self.problem = problem


Note = BlueprintFinding
"""A message on something that is ignored, or possibly unintended."""


def finding(place: Place, message: str, property_name: str | None = None) -> BlueprintError:
    """An exception with a single finding."""
    return BlueprintError([BlueprintFinding(place, message, property_name)])
