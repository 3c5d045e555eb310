"""A selection of the points that count for coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from app.recording.points import KINDS, Operation, Point


@dataclass(frozen=True)
class Selection:
    """A selection; all that is empty selects everything.

    :param operations: patterns of operationIds, such as `flows_*`
    :param tags: the tags of operations
    :param kinds: kinds of points
    :param ignored: patterns of points that do not count, such as `status 403`
    :param called: whether only operations that were called count
    :raises ValueError: there is no such kind
    """

    operations: Sequence[str] = ()
    tags: Sequence[str] = ()
    kinds: Sequence[str] = ()
    ignored: Sequence[str] = ()
    called: bool = False

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise ValueError(f"There is no kind of points {kind!r}: give {', '.join(KINDS)}.")

    def has(self, operation: Operation, calls: int) -> bool:
        """Whether an operation counts. :param calls: how often it was called"""
        return (
            (not self.operations or any(fnmatchcase(operation.id, pattern) for pattern in self.operations))
            and (not self.tags or not set(self.tags).isdisjoint(operation.tags))
            and (not self.called or calls > 0)
        )

    def counts(self, point: Point) -> bool:
        """Whether a point of such an operation counts."""
        return (not self.kinds or point.kind in self.kinds) and not any(
            fnmatchcase(str(point), pattern) for pattern in self.ignored
        )


EVERYTHING = Selection()
