"""The points of each operation that a test may exercise, from the contract."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from app.contract.compile.plan import parameters
from app.contract.document.contract import Contract
from app.contract.document.findings import Location
from app.contract.validation.schemas import flattened, schema_properties

# Clients can't cause server errors (RFC 9110, section 15.6).
_SERVER_ERROR = 500
# Method, Accept, size and type of the body: rules of HTTP for all requests, independent of the operation.
_OF_HTTP = frozenset({"405", "406", "413", "415"})


KINDS = ("status", "parameter", "member")


class Point(NamedTuple):
    """A point to exercise.

    :param kind: one of `KINDS`
    :param name: the status, or the name of the parameter or of the body's property
    :param value: a value of its enum; empty for any
    """

    kind: str
    name: str
    value: str = ""

    def __str__(self) -> str:
        """The point in reports."""
        return f"{self.kind} {self.name}" + (f"={self.value}" if self.value else "")


class Operation:
    """An operation with its points.

    :param contract: a contract that has passed the boot checks
    :param template: its path in the contract
    :param method: in lower case

    `id` is its operationId, `method` is in upper case, and `path` begins with the server's base path.
    """

    def __init__(self, contract: Contract, template: str, method: str) -> None:
        self._contract = contract
        self._template = template
        self._described = contract.document["paths"][template][method]
        self.id: str = self._described["operationId"]
        self.method = method.upper()
        self.path: str = contract.base_path + template
        self.tags: tuple[str, ...] = tuple(self._described.get("tags", ()))

    @property
    def location(self) -> Location:
        """Its place in the contract."""
        return self._contract.locate(("paths", self._template, self.method.lower()))

    @cached_property
    def points(self) -> Mapping[Point, None]:
        """The points, in the order of the contract."""
        # Computed when a client calls the operation: a contract that is edited has to be served without delay.
        contract, described = self._contract, self._described
        parameters = _parameters(contract, self._template, self.method.lower())
        return dict.fromkeys((*_statuses(described), *parameters, *_properties(contract, described)))


def operations(contract: Contract) -> Iterator[Operation]:
    """The operations of a contract that has passed the boot checks."""
    for _, path, method, _ in contract.operations():
        yield Operation(contract, path, method)


def points_of(kind: str, name: str, values: Any) -> Iterator[Point]:
    """The points that a value, or several, of a parameter or a property exercises."""
    yield Point(kind, name)
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, str | int | float):
            yield Point(kind, name, _text(value))


def _statuses(operation: Mapping[str, Any]) -> Iterator[Point]:
    for code in operation["responses"]:
        if int(code) < _SERVER_ERROR and code not in _OF_HTTP:
            yield Point("status", code)


def _parameters(contract: Contract, path: str, method: str) -> Iterator[Point]:
    for name, (_, parameter) in parameters(contract, path, method, "query").items():
        yield from _named(contract, "parameter", name, parameter["schema"])


def _properties(contract: Contract, operation: Mapping[str, Any]) -> Iterator[Point]:
    if "requestBody" not in operation:
        return
    content = contract.resolve((), operation["requestBody"])[1]["content"]
    for media in content.values():
        for name, (_, property_schema) in schema_properties(contract, media["schema"]).items():
            if property_schema.get("readOnly") is not True:
                yield from _named(contract, "member", name, property_schema)


def _named(contract: Contract, kind: str, name: str, schema: Any) -> Iterator[Point]:
    """The points of a parameter or a property, and of the values in its enum."""
    keywords = flattened(contract, schema)
    if keywords.get("type") == "array":
        keywords = flattened(contract, keywords["items"])
    yield Point(kind, name)
    yield from (Point(kind, name, _text(value)) for value in keywords.get("enum", ()) if value not in (None, ""))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
