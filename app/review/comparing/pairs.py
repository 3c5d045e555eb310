"""Two schemas that are compared, and what was found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from app.review.comparing.differences import Change, Difference, Rating, Side, seen_from
from app.review.comparing.views import Position, View

NAME = "schema-name"
"""The rule of a type that is the same but for its name."""


@dataclass(eq=False)
class Node:
    """What was found of two positions.

    :param changes: what differs right there
    :param parts: what was found of what they hold, this very node if they hold themselves
    """

    changes: list[Change] = field(default_factory=list)
    parts: list["Node"] = field(default_factory=list)

    def reachable(self) -> Iterator[Change]:
        """What differs there and in all that they hold."""
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
        """What is found."""


@dataclass(frozen=True)
class Pair:
    """Two views to compare, for one side of a call.

    :param side: whose data they describe
    :param exact: whether fewer values are as bad as more, as behind a `not`
    :param node: where what is found goes
    :param compare: compares what they hold
    """

    old: View
    new: View
    side: Side
    exact: bool
    node: Node
    compare: Compare

    def note(self, differences: Iterable[Difference]) -> None:
        """Keep differences, rated for this side."""
        self.node.changes += [
            seen_from(self.side, difference, self.new.place, exact=self.exact) for difference in differences
        ]

    def note_as(self, rating: Rating, difference: Difference, advice: str) -> None:
        """Keep a difference whose rating depends on more than its effect."""
        self.node.changes.append(Change(difference, self.side, rating, advice, self.new.place))

    def descend(self, old: Position, new: Position, *, exact: bool = False) -> None:
        """Compare parts of the two."""
        self.node.parts.append(self.compare(old, new, self.side, exact=self.exact or exact))

    def are_equal(self, old: Position, new: Position) -> bool:
        """Whether parts of the two differ at most in words and in their names."""
        found = self.compare(old, new, self.side, exact=self.exact).reachable()
        return all(change.rating is Rating.DOCS or change.difference.rule == NAME for change in found)
