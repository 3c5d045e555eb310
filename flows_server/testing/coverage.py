"""Coverage of the contract by the tests of a run, which may have several servers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
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
        """The share; 100 if there is nothing to exercise."""
        points = sum(self.points.values())
        return 100 * (points - sum(map(len, self.missing.values()))) / points if points else 100.0


def merged(reports: Iterable[Mapping[str, Any]], patterns: Sequence[str]) -> Coverage:
    """Merge the coverage that several servers report: a point is exercised if one of them has seen it.

    :param reports: as in `/contract/coverage.json`
    :param patterns: of operationIds, such as `flows_*`; none for the operations that were called
    """
    points: dict[str, int] = {}
    missing: dict[str, list[str]] = {}
    called = set()
    for operation in (operation for report in reports for operation in report["operations"]):
        name, left = operation["operation"], operation["missing"]
        points[name] = operation["points"]
        missing[name] = [point for point in missing.get(name, left) if point in left]
        if operation["calls"]:
            called.add(name)
    chosen = [
        name for name in points if (any(fnmatchcase(name, one) for one in patterns) if patterns else name in called)
    ]
    return Coverage({name: points[name] for name in chosen}, {name: missing[name] for name in chosen if missing[name]})
