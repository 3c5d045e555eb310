"""Pairs of schemas to compare, and the differences found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from app.review.comparing.differences import Change, Difference, Rating, Side, seen_from
from app.review.comparing.views import Position, View

NAME = "schema-name"
"""The rule for a type that differs by name only."""


@dataclass(eq=False)
class Node:
    """The differences of two positions.

    :param changes: of the positions themselves
    :param parts: of their parts; this very node for recursive schemas
    """

    changes: list[Change] = field(default_factory=list)
    parts: list["Node"] = field(default_factory=list)

    def reachable(self) -> Iterator[Change]:
        """The differences of the positions and of all their parts."""
        seen = {self}
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield from node.changes
            for part in node.parts:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)


class Compare(Protocol):
    """Compares two positions."""

    def __call__(self, old: Position, new: Position, side: Side, *, exact: bool = False) -> Node:
        """The differences of the positions."""


@dataclass(frozen=True)
class Pair:
    """Two views to compare, for one side of a call.

    :param side: the sender of their data
    :param exact: whether fewer values are as bad as more, as inside of a `not`
    :param node: receives the differences
    :param compare: compares their parts
    """

    old: View
    new: View
    side: Side
    exact: bool
    node: Node
    compare: Compare

    def note(self, differences: Iterable[Difference]) -> None:
        """Add differences, rated for this side."""
        self.node.changes += [
            seen_from(self.side, difference, self.new.place, exact=self.exact) for difference in differences
        ]

    def note_as(self, rating: Rating, difference: Difference, advice: str) -> None:
        """Add a difference whose rating depends on more than its effect."""
        self.node.changes.append(Change(difference, self.side, rating, advice, self.new.place))

    def descend(self, old: Position, new: Position, *, exact: bool = False) -> None:
        """Compare parts of the pair."""
        self.node.parts.append(self.compare(old, new, self.side, exact=self.exact or exact))

    def are_equal(self, old: Position, new: Position) -> bool:
        """Whether parts of the pair differ at most in descriptions and names."""
        found = self.compare(old, new, self.side, exact=self.exact).reachable()
        return all(change.rating is Rating.DOCS or change.difference.rule == NAME for change in found)
