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


class Mistake(NamedTuple):
    """One thing that is wrong.

    :param place: where it is
    :param message: what is wrong, one sentence
    :param member: the member of an object that it is about, if it is about one
    """

    place: Place
    message: str
    member: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.member}: {self.message}" if self.member else f"{self.place}: {self.message}"


class BlueprintError(Exception):
    """A blueprint can't be applied.

    :param mistakes: everything that is known to be wrong, at least one
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class Exhausted(BlueprintError):
    """What a blueprint may take of the server is used up: nothing more of it is looked at."""


class NotServed(BlueprintError):
    """The model of an entry, or of a look-up, is not in the contract.

    :param problem: the sentence that says so
    :param advice: what to do
    """

    def __init__(self, place: Place, problem: str, advice: str) -> None:
        super().__init__([Mistake(place, f"{problem} {advice}".rstrip())])
        self.problem = problem


Note = Mistake
"""One thing that is ignored, or that may not be meant so."""


def mistake(place: Place, message: str, member: str | None = None) -> BlueprintError:
    """The error of a single mistake."""
    return BlueprintError([Mistake(place, message, member)])
