"""Data that is never recorded: credentials, and properties that the contract marks as secret."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from app.contract.document.contract import Contract
from app.contract.response.responses import Header
from app.contract.validation.schemas import flattened, schema_properties
from app.exchanges import FLOW_TOKEN

MASK = "********"

# The values of these keys are data, without marks.
_DATA = frozenset({"example", "examples", "default", "enum"})
_CREDENTIALS = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie"})

# In a query string, or in one that is a parameter of another, whose `=` is encoded as often as it is nested.
_LINK = re.compile(rf"({FLOW_TOKEN}(?:=|%(?:25)*3D))[A-Za-z0-9_-]+".encode(), re.IGNORECASE)


def without_links(text: bytes) -> bytes:
    """Mask the tokens of links in e-mails: each is a credential of its user."""
    return _LINK.sub(rb"\1" + MASK.encode(), text)


def without_credentials(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The headers that may be recorded."""
    return tuple([(name, without_links(value)) for name, value in headers if name not in _CREDENTIALS])


class Secrets:
    """The properties and parameters that a contract marks as `format: password`, `writeOnly` or `x-secret`, with their items and
    values.

    A name that is marked once is secret everywhere: a disclosed secret is worse than an unnecessary mask.

    :param contract: the contract
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._marked(self._contract.document))

    @cached_property
    def _declared(self) -> Mapping[str, Collection[str]]:
        """The declared properties of the bodies with a secret, by operationId."""
        contract = self._contract
        return {
            operation["operationId"]: declared
            for _, _, _, operation in contract.operations()
            for media in contract.resolve((), operation.get("requestBody", {}))[1].get("content", {}).values()
            if not self._names.isdisjoint(declared := schema_properties(contract, media.get("schema", {})).keys())
        }

    def __bool__(self) -> bool:
        return bool(self._names)

    def masked(self, path: Iterable[str | int], value: Any) -> Any:
        """Mask the secrets in a value. :param path: the names and indices to the value"""
        return self._masked(value) if self._names.isdisjoint(path) else MASK

    def query(self, query: bytes) -> bytes:
        """Mask the secret values in a query string."""
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")
        if self._names.isdisjoint(name for name, _ in pairs):
            return query
        return urlencode([(name, MASK if name in self._names else value) for name, value in pairs]).encode()

    def body(self, body: bytes | None) -> tuple[bytes | None, bool]:
        """Mask the secret properties in a body. :returns: None if they can't be located; and whether there were any"""
        if not body:
            return body, False
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None, True
        masked = self._masked(value)
        return (orjson.dumps(masked), True) if masked != value else (body, False)

    def sent(self, operation: str, body: bytes | None) -> tuple[bytes | None, bool]:
        """The same for the body of a request. If it may have a secret, what the contract does not declare is masked as well:
        the name of the secret may be misspelled.

        :param operation: the operationId, empty if there is no such operation
        """
        declared = self._declared.get(operation)
        if not body or declared is None:
            return self.body(body)
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None, True
        if not isinstance(value, dict):
            return orjson.dumps(MASK), True
        known = {name: self._masked({name: inner})[name] if name in declared else MASK for name, inner in value.items()}
        return (orjson.dumps(known), True) if known != value else (body, False)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: MASK if name in self._names else self._masked(inner) for name, inner in value.items()}
        return [self._masked(inner) for inner in value] if isinstance(value, list) else value

    def _marked(self, node: dict[str, Any]) -> Iterator[str]:
        """The marked names in a part of the contract."""
        if "in" in node and "name" in node and self._is_secret(node.get("schema")):
            yield node["name"]
        for key, value in node.items():
            if key == "properties" and isinstance(value, dict):
                # A property may be named like a keyword.
                yield from (name for name, property_schema in value.items() if self._is_secret(property_schema))
                yield from self._marked_in(value.values())
            elif key not in _DATA:
                yield from self._marked_in(value if isinstance(value, list) else [value])

    def _marked_in(self, nodes: Iterable[Any]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, dict):
                yield from self._marked(node)

    def _is_secret(self, schema: Any, within: frozenset[str] = frozenset()) -> bool:
        """Whether values of a schema are secret, or those of its items, additional properties or alternatives.

        :param within: the references that were followed: a schema may be recursive
        """
        if not isinstance(schema, dict):
            return False
        if (reference := schema.get("$ref")) is not None:
            if reference in within:
                return False
            within |= {reference}
        keywords = flattened(self._contract, schema) if "$ref" in schema or "allOf" in schema else schema
        if keywords.get("writeOnly") is True or keywords.get("format") == "password" or "x-secret" in keywords:
            return True
        held = [keywords.get("items"), keywords.get("additionalProperties")]
        held += [part for keyword in ("anyOf", "oneOf") for part in keywords.get(keyword, ())]
        return any(self._is_secret(one, within) for one in held)
