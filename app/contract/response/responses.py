"""Responses: status, body and headers, and the messages of the errors that no schema makes."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from app.contract.validation.rules import ViolatedRule

Header = tuple[bytes, bytes]

NOT_FOUND = "Not found."
NOT_ACCEPTABLE = "Could not satisfy the request Accept header."
SERVER_ERROR = "A server error occurred."
UNAVAILABLE = "The database is not available."
BUSY = "The server is busy with the bodies of other requests. Try again later."
BUSY_WITH_LONG = "Other requests of this kind are being carried out."

# Seconds after which a client may try again when the database is down, which is asked anew on each request, or the server is busy.
RETRY_AFTER = b"1"

JSON = b"application/json"

# Sent with each response, as authentik does.
_SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


SENT = frozenset({"allow", "date", "content-length", *(name.decode() for name, _ in _SECURITY_HEADERS)})
"""The headers that every response of an operation has, in lower case."""


class StoredViolation(NamedTuple):
    """A violation of the contract by a stored value.

    :param pk: of the object
    :param property: the names that lead to the property, separated by dots; empty for a rule across properties
    :param rule: the keyword
    """

    pk: str
    property: str
    rule: str


class Response(NamedTuple):
    """What is sent back.

    :param status: the status code
    :param body: the encoded body, empty if there is none
    :param headers: headers of this response beside those that each response of its path has
    :param reason: what the log says of an error response: the properties, or the rule
    :param media_type: of a body that is no JSON; None of one that is
    :param violated: the rules of the contract that a refused request goes against; empty if the response's status says enough
    :param stored_violations: what stored values in it violate
    """

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    reason: str = ""
    media_type: bytes | None = None
    violated: Sequence[ViolatedRule] = ()
    stored_violations: Sequence[StoredViolation] = ()

    @property
    def rule(self) -> str:
        """What the contract calls the first of these rules; empty if there is none."""
        return self.violated[0].keyword if self.violated else ""


PENDING = Response(102)
"""The response to a request whose statement has to be run first."""

CONTINUE = Response(100)
"""A placeholder for the response to a request until its body has been read (RFC 9110, section 15.2.1)."""


def encode(value: Any) -> bytes:
    """JSON without spaces, not escaped (RFC 8259)."""
    return orjson.dumps(value)


def decode(body: bytes) -> Any:
    """The value of a body that `encode` made."""
    return orjson.loads(body)


def detail(
    status: int, message: str, headers: tuple[Header, ...] = (), violated: Sequence[ViolatedRule] = ()
) -> Response:
    """A `GenericError`: one sentence that says why."""
    return Response(status, encode({"detail": message}), headers, message, violated=violated)


def busy() -> Response:
    """The response to a request whose body does not fit into memory now."""
    return detail(503, BUSY, ((b"retry-after", RETRY_AFTER),))


def path_headers(methods: Iterable[str]) -> tuple[tuple[Header, ...], tuple[Header, ...]]:
    """The headers that all responses of a path share, encoded once.

    :param methods: the methods of the path's operations
    :returns: those of a response with a JSON body, and those of one without
    """
    allow = b", ".join(method.encode() for method in allowed_methods(methods))
    bare: tuple[Header, ...] = ((b"allow", allow), *_SECURITY_HEADERS)
    return ((b"content-type", JSON), *bare), bare


def lines(headers: Iterable[Header]) -> bytes:
    """Headers as they are sent (RFC 9112, section 5)."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def parsed(section: bytes) -> tuple[Header, ...]:
    """Headers from what `lines` made of them."""
    pairs = (line.split(b": ", 1) for line in section.splitlines())
    return tuple((name, value) for name, value in pairs)


def allowed_methods(methods: Iterable[str]) -> list[str]:
    """What `Allow` lists (RFC 9110, section 10.2.1), in authentik's order; HEAD comes with GET, OPTIONS always."""
    present = set(methods)
    listed = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in present]
    return [*listed, *(["HEAD"] if "GET" in present else []), "OPTIONS"]
