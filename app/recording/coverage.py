"""Coverage of a contract as data."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.recording.points import Operation, Point
from app.recording.selection import EVERYTHING, Selection


@dataclass
class Exercised:
    """The recorded requests of an operation.

    :param statuses: the number of responses with each status
    :param points: the exercised points
    :param rules: the number of requests rejected by each rule: its name, and its place in the contract
    """

    statuses: Counter[int] = field(default_factory=Counter)
    points: set[Point] = field(default_factory=set)
    rules: Counter[tuple[str, Pointer]] = field(default_factory=Counter)

    def copy(self) -> "Exercised":
        """A copy that later requests do not change."""
        return Exercised(self.statuses.copy(), self.points.copy(), self.rules.copy())


def coverage(
    contract: Contract,
    operations: Iterable[Operation],
    seen: Mapping[str, Exercised],
    selection: Selection = EVERYTHING,
) -> dict[str, Any]:
    """The coverage of each operation of a contract, as data.

    :param seen: the recorded requests by operationId
    :param selection: what counts
    """
    listed = [
        _operation(contract, operation, exercised, selection)
        for operation in operations
        if selection.has(operation, (exercised := seen.get(operation.id, Exercised())).statuses.total())
    ]
    return {**_share(listed), "operations": listed}


def _operation(contract: Contract, operation: Operation, seen: Exercised, selection: Selection) -> dict[str, Any]:
    points = [point for point in operation.points if selection.counts(point)]
    missing = [point for point in points if point not in seen.points]
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "tags": list(operation.tags),
        "contract": contract.public(str(operation.location)),
        "calls": seen.statuses.total(),
        "points": len(points),
        "exercised": len(points) - len(missing),
        "statuses": {str(status): seen.statuses[status] for status in sorted(seen.statuses)},
        "missing": [str(point) for point in missing],
        "rules": [
            {"rule": keyword, "contract": contract.public(str(contract.locate(place))), "refused": count}
            for (keyword, place), count in seen.rules.most_common()
        ],
    }


def _share(listed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    points = sum(one["points"] for one in listed)
    exercised = sum(one["exercised"] for one in listed)
    # Rounded down: 100 means all.
    percent = math.floor(1000 * exercised / points) / 10 if points else 0.0
    return {"points": points, "exercised": exercised, "percent": percent}
