"""Objects that existed before a recording began, as its responses show them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from app.conformance.described import DescribedContract
from app.contract.document.contract import Contract
from app.recording.secrets import MASK
from app.review.comparing.operations import Operation
from app.review.traffic import Exchange

_LISTED = "results"


class Seed(NamedTuple):
    """An object to create.

    :param path: the path of its collection
    :param recorded: the object as recorded
    """

    path: str
    recorded: Mapping[str, Any]

    def completed(self, messages: Any) -> Mapping[str, Any]:
        """The object, with a value for each property that was reported as missing: responses contain no secrets."""
        missing = messages.keys() - self.recorded.keys() if isinstance(messages, dict) else ()
        return {**self.recorded, **dict.fromkeys(sorted(missing), MASK)}


class Collections:
    """The collections of a contract whose objects can be created.

    :param contract: the contract
    """

    def __init__(self, contract: Contract) -> None:
        described = DescribedContract(contract.document)
        paths: Mapping[str, Any] = contract.document["paths"]
        self._base = contract.base_path
        self._creating = {path for path, item in paths.items() if "post" in item and "get" in item}
        # The property that a path names an object by.
        self._named_by: dict[str, str] = {}
        keys: set[str] = set()
        for _, path, method, _ in contract.operations():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            operation = described.operation(method, path)
            keys |= {*operation.references, *operation.filters}
            for targets in operation.path.values():
                keys |= set(targets.identity)
                self._named_by.setdefault(path, targets.identity[0])
        self.keys = frozenset(keys)
        """The properties and parameters that identify objects."""

    def existing(self, exchanges: Iterable[tuple[Exchange, Operation]]) -> list[Seed]:
        """The objects in successful responses that no earlier request has created, each once."""
        created: set[tuple[str, str]] = set()
        found: dict[tuple[str, str], Seed] = {}
        for exchange, operation in exchanges:
            if exchange.status >= httpx.codes.BAD_REQUEST:
                continue
            for path, shown in self._shown(exchange, operation):
                name = path, str(shown.get("pk", shown))
                if exchange.method == "POST":
                    created.add(name)
                elif name not in created:
                    found.setdefault(name, Seed(self._base + path, shown))
        return list(found.values())

    def _shown(self, exchange: Exchange, operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
        """The objects in a response, each with the path of its collection."""
        path, body = operation.path, exchange.response
        if not isinstance(body, dict):
            return
        if path in self._creating:
            shown = body.get(_LISTED) if exchange.method == "GET" else [body]
            yield from ((path, one) for one in (shown if isinstance(shown, list) else ()) if isinstance(one, dict))
        elif (parent := f"{path.rstrip('/').rpartition('/')[0]}/") in self._creating and path in self._named_by:
            named_by = self._named_by[path]
            if named_by in body:
                name = exchange.path.rstrip("/").rpartition("/")[2]
                # A change may have given it another name.
                is_text = isinstance(body[named_by], str)
                yield parent, {**body, named_by: name} if is_text else body
