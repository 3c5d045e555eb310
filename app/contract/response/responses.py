"""Responses: status, body and headers, and the messages of errors that no schema defines."""

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

# Seconds before a retry if the database is down, which is checked on each request, or the server is busy.
RETRY_AFTER = b"1"

JSON = b"application/json"

VERSION_SENT = b"x-contract-version"
"""The header with the version of the contract that a response conforms to."""

VERSION_VARIES_WITH = b"X-Authentik-Version, User-Agent"
"""The request headers that select a version (RFC 9110, section 12.5.5)."""

# Sent with each response, as authentik does. A cookie names a session.
_COMMON_HEADERS: tuple[Header, ...] = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"vary", b"Cookie, " + VERSION_VARIES_WITH),
)

SENT = frozenset(
    {"allow", "date", "content-length", VERSION_SENT.decode(), *(name.decode() for name, _ in _COMMON_HEADERS)}
)
"""The headers that every response of an operation has, in lower case."""


class StoredViolation(NamedTuple):
    """A violation of the contract by a stored value.

    :param pk: the key of the object
    :param property: the path to the property, separated by dots; empty for a rule across properties
    :param rule: the violated keyword
    """

    pk: str
    property: str
    rule: str


class Response(NamedTuple):
    """A response.

    :param status: the status code
    :param body: the encoded body, empty if there is none
    :param headers: headers of this response besides those common to its path
    :param reason: the reason of an error response in the log: the properties, or the rule
    :param media_type: the media type of a body that is not JSON; None for JSON
    :param violated: the rules that the request violates; empty if the status implies the rule
    :param stored_violations: the violations by stored values in it
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
        """The keyword of the first violated rule; empty if there is none."""
        return self.violated[0].keyword if self.violated else ""


PENDING = Response(102)
"""The response to a request whose statement has to be run first."""

CONTINUE = Response(100)
"""A placeholder for the response to a request until its body has been read (RFC 9110, section 15.2.1)."""


def encode(value: Any) -> bytes:
    """Encode compact JSON, without escapes (RFC 8259)."""
    return orjson.dumps(value)


def decode(body: bytes) -> Any:
    """Decode a body that `encode` made."""
    return orjson.loads(body)


def detail(
    status: int, message: str, headers: tuple[Header, ...] = (), violated: Sequence[ViolatedRule] = ()
) -> Response:
    """A `GenericError`: one message."""
    return Response(status, encode({"detail": message}), headers, message, violated=violated)


def busy() -> Response:
    """The response to a request whose body does not fit into memory at present."""
    return detail(503, BUSY, ((b"retry-after", RETRY_AFTER),))


def path_headers(
    methods: Iterable[str], version: str, frame_options: str | None = None
) -> tuple[tuple[Header, ...], tuple[Header, ...]]:
    """Encode the headers common to all responses of a path.

    :param methods: the methods of the path's operations
    :param version: the version of the contract
    :param frame_options: the value of `X-Frame-Options`, if it is not that of all others
    :returns: those of a response with a JSON body, and those of one without
    """
    allow = b", ".join(method.encode() for method in allowed_methods(methods))
    common = dict(_COMMON_HEADERS)
    if frame_options is not None:
        common[b"x-frame-options"] = frame_options.encode()
    bare: tuple[Header, ...] = ((b"allow", allow), *common.items(), (VERSION_SENT, version.encode()))
    return ((b"content-type", JSON), *bare), bare


def without_path(response: Response) -> tuple[Header, ...]:
    """All headers of an error response that belongs to no path."""
    length = str(len(response.body)).encode()
    return (
        (b"content-type", JSON),
        (b"content-length", length),
        *_COMMON_HEADERS,
    )


def lines(headers: Iterable[Header]) -> bytes:
    """Encode headers as they are sent (RFC 9112, section 5)."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def parsed(section: bytes) -> tuple[Header, ...]:
    """Parse headers encoded by `lines`."""
    pairs = (line.split(b": ", 1) for line in section.splitlines())
    return tuple((name, value) for name, value in pairs)


def allowed_methods(methods: Iterable[str]) -> list[str]:
    """The methods of an `Allow` header (RFC 9110, section 10.2.1), in authentik's order; HEAD if there is GET, OPTIONS always."""
    present = set(methods)
    listed = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in present]
    return [*listed, *(["HEAD"] if "GET" in present else []), "OPTIONS"]
