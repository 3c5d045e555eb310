"""What was exercised of a contract, and what was not."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.contract.document.contract import Contract, Pointer
from app.recording.points import Operation, Point


@dataclass
class KnownObjects:
    """What was seen of an operation.

    :param statuses: how often each status was answered
    :param points: what was exercised
    :param rules: how often each rule refused a request: what the contract calls it, and where it stands
    """

    statuses: Counter[int] = field(default_factory=Counter)
    points: set[Point] = field(default_factory=set)
    rules: Counter[tuple[str, Pointer]] = field(default_factory=Counter)

    def copy(self) -> "KnownObjects":
        """The same, which what is seen from now on leaves as it is."""
        return KnownObjects(self.statuses.copy(), self.points.copy(), self.rules.copy())


def coverage(contract: Contract, operations: Iterable[Operation], seen: Mapping[str, KnownObjects]) -> dict[str, Any]:
    """What was seen of each operation of a contract, as data.

    :param seen: by operationId
    """
    listed = [_operation(contract, operation, seen.get(operation.id, KnownObjects())) for operation in operations]
    return {**_share(listed), "operations": listed}


def _operation(contract: Contract, operation: Operation, seen: KnownObjects) -> dict[str, Any]:
    missing = [point for point in operation.points if point not in seen.points]
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "calls": seen.statuses.total(),
        "points": len(operation.points),
        "exercised": len(operation.points) - len(missing),
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
    # Rounded down: what is not all is not 100.
    return {"points": points, "exercised": exercised, "percent": math.floor(1000 * exercised / points) / 10}
