"""Coverage of the contract by the tests of a run, which may have several servers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Coverage:
    """The exercised share of some operations.

    :param points: the number of points of each operation
    :param missing: the points of each operation that no test has exercised
    """

    points: Mapping[str, int]
    missing: Mapping[str, Sequence[str]]

    @property
    def percent(self) -> float:
        """The share; 0 if nothing counts."""
        points = sum(self.points.values())
        return 100 * (points - sum(map(len, self.missing.values()))) / points if points else 0.0


def merged(reports: Iterable[Mapping[str, Any]], *, called: bool) -> Coverage:
    """Merge the coverage that several servers report: a point is exercised if one of them has seen it.

    :param reports: as in `/contract/coverage.json`
    :param called: whether only operations that were called count
    """
    points: dict[str, int] = {}
    missing: dict[str, list[str]] = {}
    calls: Counter[str] = Counter()
    for operation in (operation for report in reports for operation in report["operations"]):
        name, left = operation["operation"], operation["missing"]
        points[name] = operation["points"]
        missing[name] = [point for point in missing.get(name, left) if point in left]
        calls[name] += operation["calls"]
    chosen = [name for name in points if calls[name] or not called]
    return Coverage({name: points[name] for name in chosen}, {name: missing[name] for name in chosen if missing[name]})
