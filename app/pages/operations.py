"""The operations of a contract, grouped for pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.contract.document.contract import Contract


@dataclass(frozen=True)
class Operation:
    """An operation in a list."""

    name: str
    method: str
    summary: str
    permissions: Sequence[str]


@dataclass(frozen=True)
class Tag:
    """A group of operations. :param paths: the operations by path"""

    name: str
    description: str
    paths: dict[str, list[Operation]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of its operations."""
        return sum(map(len, self.paths.values()))


def by_tag(contract: Contract, base_path: str) -> list[Tag]:
    """The operations by their first tag, in the contract's order.

    :param base_path: of the API
    """
    tags = {tag["name"]: Tag(tag["name"], tag.get("description", "")) for tag in contract.document.get("tags", ())}
    for _, path, method, operation in contract.operations():
        name = next(iter(operation.get("tags", ())), "others")
        tag = tags.setdefault(name, Tag(name, ""))
        tag.paths.setdefault(base_path + path, []).append(
            Operation(
                operation["operationId"],
                method.upper(),
                operation.get("summary", operation["operationId"]),
                operation.get("x-required-permissions", ()),
            )
        )
    return [tag for tag in tags.values() if tag.paths]
