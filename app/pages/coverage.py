"""The coverage of a contract, grouped by tag for its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.contract.document.contract import Contract
from app.pages.contract.places import Place, place_at


@dataclass(frozen=True)
class CoveredTag:
    """The coverage of the operations with a tag, those with most calls first."""

    name: str
    operations: list[Mapping[str, Any]]

    def total(self, name: str) -> int:
        """The sum of a number of its operations: `calls`, `points` or `exercised`."""
        return sum(operation[name] for operation in self.operations)


def covered_tags(contract: Contract, coverage: Mapping[str, Any]) -> list[CoveredTag]:
    """The coverage by the first tag of each operation, in the contract's order.

    :param coverage: the coverage as data
    """
    found: dict[str, list[Mapping[str, Any]]] = {tag["name"]: [] for tag in contract.document.get("tags", ())}
    for operation in sorted(coverage["operations"], key=lambda one: -int(one["calls"])):
        found.setdefault(next(iter(operation["tags"]), "others"), []).append(operation)
    return [CoveredTag(name, operations) for name, operations in found.items() if operations]


def rule_places(contract: Contract, coverage: Mapping[str, Any]) -> dict[str, Place]:
    """The places of all rules of a coverage, by their text."""
    texts = {rule["contract"] for operation in coverage["operations"] for rule in operation["rules"]}
    return {text: place_at(contract, text) for text in texts}
