"""The last requests and their responses, in bounded memory."""

from collections import deque
from typing import NamedTuple

from app.contract.response.responses import Header

# How many exchanges are kept, and how many bytes they may have together. What does not fit a processor's memory slows requests.
MOST = 700
MOST_BYTES = 32 * 1024 * 1024
# A body that is larger is left out.
LARGEST_BODY = 1024 * 1024
# What an exchange takes besides its texts, about, in bytes.
_FRAME = 1024
# How many different sets of headers are known with their sizes.
_SETS = 256

Headers = tuple[Header, ...]


class Exchange(NamedTuple):
    """A request and its response, without credentials.

    :param moment: when the response was sent, in seconds since 1970
    :param seconds: how long it took
    :param scheme: by which the request came
    :param server: host and port that it came to, if they are known
    :param method: in capital letters
    :param path: decoded
    :param query: as it stands in the URL
    :param asked: the headers of the request
    :param sent: the body of the request; None if it is left out
    :param status: of the response
    :param reported: the headers of the response as they are sent (RFC 9112, section 5)
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
    """The last exchanges. Older ones make room."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Exchange]] = deque()
        self._bytes = 0
        # Clients send the same headers again and again: they are kept once, and measured once.
        self._sets: dict[Headers, tuple[Headers, int]] = {}

    def add(self, exchange: Exchange, asked: int) -> None:
        """Keep an exchange, without bodies that are too large.

        :param asked: how many bytes the headers of its request have
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
        """The same headers, as another request had them before, and how many bytes they have."""
        known = self._sets.get(headers)
        if known is None:
            if len(self._sets) >= _SETS:
                self._sets.clear()
            known = self._sets[headers] = headers, sum([len(name) + len(value) for name, value in headers])
        return known

    def exchanges(self) -> list[Exchange]:
        """All that are kept, the oldest first."""
        return [exchange for _, exchange in self._kept]


def _size(exchange: Exchange) -> int:
    """How many bytes an exchange takes, about, without the headers of its request."""
    return _FRAME + len(exchange.path) + len(exchange.query) + len(exchange.sent or b"") + len(exchange.response or b"")


def _fitting(body: bytes | None) -> bytes | None:
    return body if body is None or len(body) <= LARGEST_BODY else None
