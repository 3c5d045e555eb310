"""The last requests and their responses, in bounded memory."""

from collections import deque
from typing import NamedTuple

from app.contract.response.responses import Header

# The maximum number of exchanges, and of their bytes together. Data larger than the processor's cache slows down requests.
MOST = 700
MOST_BYTES = 32 * 1024 * 1024
# The maximum size of a body; larger ones are left out.
LARGEST_BODY = 1024 * 1024
# The approximate size of an exchange without its texts, in bytes.
_FRAME = 1024
# The maximum number of distinct sets of headers that are cached with their sizes.
_SETS = 256

Headers = tuple[Header, ...]


class Exchange(NamedTuple):
    """A request and its response, without credentials.

    :param moment: the time of the response, in seconds since 1970
    :param seconds: the duration
    :param scheme: of the request's URL
    :param server: host and port of the server, if known
    :param method: in upper case
    :param path: decoded
    :param query: as in the URL
    :param asked: the headers of the request
    :param sent: the body of the request; None if it is left out
    :param status: of the response
    :param reported: the headers of the response as sent (RFC 9112, section 5)
    :param response: the body of the response; None if it is left out
    """

    moment: float
    seconds: float
    scheme: str
    server: tuple[str, int | None] | None
    method: str
    path: str
    query: bytes
    asked: Headers
    sent: bytes | None
    status: int
    reported: bytes
    response: bytes | None


class Traffic:
    """The last exchanges. Older ones are discarded."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Exchange]] = deque()
        self._bytes = 0
        # Clients repeat the same headers: they are stored once, and measured once.
        self._sets: dict[Headers, tuple[Headers, int]] = {}

    def add(self, exchange: Exchange, asked: int) -> None:
        """Add an exchange, without bodies that are too large.

        :param asked: the size of the request's headers in bytes
        """
        size = asked + _size(exchange)
        if size > LARGEST_BODY:
            exchange = exchange._replace(sent=_fitting(exchange.sent), response=_fitting(exchange.response))
            size = asked + _size(exchange)
        self._kept.append((size, exchange))
        self._bytes += size
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            dropped, _ = self._kept.popleft()
            self._bytes -= dropped

    def shared(self, headers: Headers) -> tuple[Headers, int]:
        """A shared copy of equal headers, and their size in bytes."""
        known = self._sets.get(headers)
        if known is None:
            if len(self._sets) >= _SETS:
                self._sets.clear()
            known = self._sets[headers] = headers, sum([len(name) + len(value) for name, value in headers])
        return known

    def exchanges(self) -> list[Exchange]:
        """All stored exchanges, the oldest first."""
        return [exchange for _, exchange in self._kept]


def _size(exchange: Exchange) -> int:
    """The approximate size of an exchange in bytes, without the headers of its request."""
    return _FRAME + len(exchange.path) + len(exchange.query) + len(exchange.sent or b"") + len(exchange.response or b"")


def _fitting(body: bytes | None) -> bytes | None:
    return body if body is None or len(body) <= LARGEST_BODY else None
