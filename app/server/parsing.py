"""Parser of the requests of a connection, with limits."""

import asyncio
from collections import deque
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server import heads
from app.server.exchange import Exchange
from app.server.flow_control import FIELD_COST, MOST_WAITING, REQUEST_COST, PipelineFlow
from app.server.heads import Rejected

# Bytes of a request line and header fields, and number of fields: browsers and proxies send a tenth of that.
MOST_HEAD = 32 * 1024
MOST_FIELDS = 160

# Bytes of chunked framing (sizes, extensions, trailers), and how many more for each byte of content: chunks of one byte need
# five.
MOST_FRAMING = 32 * 1024
FRAMING_PER_BYTE = 8

# Bytes of input parsed at once. Larger input is cut after the first blank line, where a request can end, beyond its first 512
# bytes, so that few more requests are parsed than may be queued.
PIECE = 16 * 1024
SMALL = 512
BLANK_LINE = b"\r\n\r\n"

# Discards trailers, which are not header fields (RFC 9110, section 6.5.1).
_DROPPED: Any = deque(maxlen=0)


class Reading(HttpToolsProtocol):
    """The parsing half of a connection, with limits on the number and the size of its requests."""

    # CPython shares attribute names between instances up to 30 of them; uvicorn's and these together would be more.
    __slots__ = (
        "_again",
        "_answered",
        "_complete",
        "_deadline",
        "_extensions",
        "_fed",
        "_framing_fields",
        "_head",
        "_in_head",
        "_last",
        "_leaving",
        "_rejected",
        "_usual",
        "_waiting",
    )

    flow: PipelineFlow
    cycle: Exchange
    pipeline: deque[tuple[Exchange, ASGI3Application]]  # type: ignore[assignment]  # uvicorn's, of the class above

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Prepare for the first request."""
        super().connection_made(transport)
        self.flow = PipelineFlow(transport)
        self.headers = []
        self._in_head, self._complete = True, False
        # Bytes of the current head; of the current body; of the input since requests are queued, plus the memory of these.
        self._head = self._fed = self._waiting = 0
        # The framing fields of the current request, and those of the last one that passed the checks: the same pass again.
        self._framing_fields: heads.Fields = []
        self._usual: heads.Fields | None = None
        # The head of a request with `Upgrade`, to be parsed again without it.
        self._again: bytes | None = None
        # The error of the current request.
        self._rejected: Rejected | None = None
        # What to write after all responses before the connection ends; None while it continues. After that nothing is parsed.
        self._last: bytes | None = None
        # Whether the worker has been told to stop.
        self._leaving = False
        # The request being served.
        self._answered: Exchange | None = None
        # The timer that ends the wait for a complete request.
        self._deadline: asyncio.TimerHandle | None = None
        self._extensions: dict[str, dict[object, object]] = {}

    def data_received(self, data: bytes) -> None:
        """Parse input. A request that arrives in one piece, as most do, needs no timer."""
        if len(data) <= SMALL and not self.flow.is_holding:
            self._feed(data)
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Parse input piece by piece, and hold the rest as soon as enough requests are queued."""
        view, start = memoryview(data), 0
        while start < len(data) and self._last is None:
            if self.flow.is_holding:
                if not self.flow.keep(data[start:]):
                    self.end(b"")
                return
            blank = data.find(BLANK_LINE, start + SMALL - len(BLANK_LINE), start + PIECE)
            end = blank + len(BLANK_LINE) if blank >= 0 else start + PIECE
            self._feed(view[start:end])
            start = end

    def _feed(self, piece: bytes | memoryview) -> None:
        """Parse a piece of input."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_again(piece[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self.reject(self._rejected or Rejected(400, "The request is not valid HTTP."))
            return
        if self._complete:
            if self._deadline is not None:
                self.stop_waiting()
        else:
            self._bound(len(piece))
        if self.pipeline:
            self._waiting += len(piece)
            if self._waiting > MOST_WAITING:
                self.flow.hold()

    def _read_again(self, rest: bytes | memoryview) -> None:
        """Parse a request with `Upgrade` again without it, and then the rest of the input. The parser would treat the body as
        data of the other protocol.
        """
        head, self._again = self._again, None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        if head is not None:
            self._feed(head)
            self._fed = 0
        if self._last is None:
            self._feed(rest)

    def _bound(self, fed: int) -> None:
        """Reject an incomplete request that is already too large, not counting its content, and set its deadline.

        :param fed: number of bytes parsed
        """
        if self._in_head:
            # The piece in which a head begins may contain the end of another request.
            self._head += fed if self._head else self._parsed_head()
            if self._head > MOST_HEAD or len(self.headers) > MOST_FIELDS:
                self.reject(_too_large())
        else:
            self._fed += fed
            if self._fed > MOST_FRAMING + (1 + FRAMING_PER_BYTE) * self.cycle.received:
                self.reject(
                    Rejected(400, f"The chunks of the body have more than {MOST_FRAMING} bytes beside their content.")
                )
        if self._deadline is None and self._last is None:
            self.wait_for_rest()

    def _parsed_head(self) -> int:
        """Bytes of the head that have been parsed, except an incomplete field."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def read_held(self) -> None:
        """Parse the held input, and resume reading."""
        if self.flow.is_holding and self._last is None:
            self._read(self.flow.release())
            self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """Handle the start of a request."""
        self._in_head, self._complete, self._head = True, False, 0
        self.url = b""
        self.headers, self._framing_fields = [], []
        if self._deadline is not None:
            # That of the previous request.
            self.stop_waiting()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a header field or a trailer."""
        field = name.lower(), value
        self.headers.append(field)
        if field[0] in heads.FRAMING:
            self._framing_fields.append(field)

    def on_headers_complete(self) -> None:
        """Start to serve a request, or queue it; its body may follow."""
        parser, fields = self.parser, self.headers
        version, method = parser.get_http_version(), parser.get_method()
        expects = False
        if (
            parser.should_upgrade()
            or self._framing_fields != self._usual
            or version != "1.1"
            or len(fields) > MOST_FIELDS
            or self._head > MOST_HEAD - PIECE
        ):
            expects = self._check(method, version)
            if self._again is not None:
                return
        raw_path, query = heads.split(self.url)
        path = raw_path.decode("ascii")
        self.cycle = cycle = Exchange(
            {
                "type": "http",
                "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
                "http_version": version,
                "server": self.server,
                "client": self.client,
                "scheme": self.scheme or "http",
                "method": method.decode("ascii"),
                "root_path": "",
                "path": heads.decoded(path) if "%" in path else path,
                "raw_path": raw_path,
                "query_string": query,
                "headers": fields,
                "state": self.app_state.copy(),
                "extensions": self._extensions,
            },
            self.transport,
            self.flow,
            self.server_state.default_headers,
            expects,
            version != "1.0" and not self._leaving,
            self.on_response_complete,
        )
        self._in_head, self._fed = False, 0
        self.headers = self._framing_fields = _DROPPED
        if self._answered is None or self._answered.response_complete:
            self._answered = cycle
            self._start_asgi_task(cycle, self.app)
        else:
            self.pipeline.appendleft((cycle, self.app))
            self._waiting += REQUEST_COST + FIELD_COST * len(fields)

    def _check(self, method: bytes, version: str) -> bool:
        """Check the head of a request. :returns: whether the client waits for `100 Continue`"""
        try:
            if len(self.headers) > MOST_FIELDS or self._parsed_head() > MOST_HEAD:
                raise _too_large()
            if self.parser.should_upgrade():
                if method == b"CONNECT":
                    raise Rejected(501, "This server is not a proxy.")
                self._again = heads.without_upgrade(method, self.url, version, self.headers)
                return False
            expects = heads.check(version, self._framing_fields)
        except Rejected as rejected:
            self._rejected = rejected
            raise
        self._usual = self._framing_fields if version == "1.1" and not expects else None
        return expects

    def on_body(self, body: bytes) -> None:
        """Handle a part of the body, which is dropped if the response is complete."""
        cycle = self.cycle
        cycle.received += len(body)
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        if self._again is not None:
            return
        self._complete = True
        cycle = self.cycle
        cycle.more_body = False
        # A trailer can end the connection, too: the parser reads nothing after it.
        if not self.parser.should_keep_alive():
            cycle.keep_alive = False
        if not cycle.response_complete:
            cycle.message_event.set()
        elif cycle.keep_alive:
            self.wait_for_next()
        else:
            self.end(b"")

    def wait_for_rest(self) -> None:
        """Set the deadline for the current request."""
        raise NotImplementedError

    def stop_waiting(self) -> None:
        """Cancel the deadline."""
        raise NotImplementedError

    def wait_for_next(self) -> None:
        """Wait for the next request."""
        raise NotImplementedError

    def reject(self, rejected: Rejected) -> None:
        """Reject the current request, and end the connection."""
        raise NotImplementedError

    def end(self, response: bytes) -> None:
        """Respond to all complete requests, write a last response, and end the connection."""
        raise NotImplementedError


def _too_large() -> Rejected:
    return Rejected(431, f"The request has more than {MOST_FIELDS} headers, or {MOST_HEAD} bytes before its body.")
