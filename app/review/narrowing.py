"""The part of the API that a client uses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from app.contract.document.contract import Contract
from app.review.reviewing import Finding


@dataclass(frozen=True)
class Narrowing:
    """A choice of operations; all if it names none.

    :param operations: patterns of operationIds, with `*` for anything
    :param tags: tags of operations
    """

    operations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def narrowed(self, findings: Sequence[Finding], *contracts: Contract) -> Sequence[Finding]:
        """The findings that affect a chosen operation. :param contracts: have the operations"""
        if not (self.operations or self.tags):
            return findings
        chosen = {name for contract in contracts for name in self._chosen(contract)}
        return [finding for finding in findings if not chosen.isdisjoint(finding.operations)]

    def unknown(self, *contracts: Contract) -> Iterator[str]:
        """The patterns and tags that no operation has."""
        known = [operation for contract in contracts for *_, operation in contract.operations()]
        names, tags = (
            {one.get("operationId", "") for one in known},
            {tag for one in known for tag in one.get("tags", ())},
        )
        yield from (text for text in self.operations if not any(fnmatchcase(name, text) for name in names))
        yield from (tag for tag in self.tags if tag not in tags)

    def _chosen(self, contract: Contract) -> Iterator[str]:
        for *_, operation in contract.operations():
            name = operation.get("operationId", "")
            named = any(fnmatchcase(name, pattern) for pattern in self.operations)
            if named or not set(self.tags).isdisjoint(operation.get("tags", ())):
                yield name


EVERYTHING = Narrowing()
"""All operations, and the parts that belong to none."""
