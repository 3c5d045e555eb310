"""HTTP as uvicorn speaks it, with bounds on what one connection may cost."""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.contract.asgi import BEGIN, WHOLE, Begin

# Bytes of a request line and headers. What comes with the last of them in one piece, at most 64 KB, is taken nevertheless.
MOST_HEAD = 64 * 1024

# Seconds until a request has to be complete, or to be begun on a new connection, and until a client has to take its answer in.
PATIENCE = 60

# Seconds that a worker which was told to stop still waits for a request on a connection that has none: it may be on its way.
LINGER = 2


class Protocol(HttpToolsProtocol):
    """One connection.

    A request that can't be read is refused as JSON, and its connection ends: nobody could tell where the next one begins. Requests
    before it on the same connection are answered first.
    """

    # CPython keeps the names of at most 30 attributes once for all instances; with these, uvicorn's would be more.
    __slots__ = (
        "_answered",
        "_begin",
        "_complete",
        "_deadline",
        "_extensions",
        "_head",
        "_idle",
        "_idle_since",
        "_in_head",
        "_leaving",
        "_unread",
    )

    # The headers that all answers have, and the same as they are sent: uvicorn makes them anew in each second.
    _common: ClassVar[tuple[list[tuple[bytes, bytes]], bytes]] = [], b""

    # The requests of all connections that begin in the next turn of the event loop, of which a process has one.
    _started: ClassVar[list[tuple["Protocol", Begin, RequestResponseCycle]]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._in_head, self._complete = True, False
        self._head = 0
        self._leaving = False
        # The request whose turn it is.
        self._answered: RequestResponseCycle | None = None
        self._begin: Begin | None = self.app_state.get(BEGIN)
        self._extensions: dict[str, dict[object, object]] = {WHOLE: {"send": self._send_whole}}
        self._unread: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = self.loop.call_later(PATIENCE, self._give_up)
        self._idle_since = 0.0
        self._idle: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        for timer in (self._unread, self._idle):
            if timer is not None:
                timer.cancel()
        if self._answered is not None:
            # Uvicorn tells only the last of several requests that nobody waits for an answer.
            self._answered.disconnected = True
        super().connection_lost(exc)
        # It refers to itself no longer, so that its memory is free without the garbage collector.
        self._extensions.clear()
        if self.cycle is not None:
            self.cycle.on_response = _nothing

    def data_received(self, data: bytes) -> None:
        """Read on. A request that comes in one piece, as most do, needs no timer."""
        super().data_received(data)
        if self._complete:
            self._stop_waiting()
        elif not self.transport.is_closing():
            if self._deadline is None:
                self._deadline = self.loop.call_later(PATIENCE, self._give_up)
            if self._in_head:
                self._head += len(data)
                if self._head > MOST_HEAD:
                    self._refuse(431, f"The request line and the headers are larger than {MOST_HEAD} bytes.")

    def on_message_begin(self) -> None:
        """A request has begun."""
        self._in_head, self._complete, self._head = True, False, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A request can be carried out; its body may follow."""
        self._in_head = False
        super().on_headers_complete()
        self.scope["extensions"] = self._extensions
        if self._answered is None or self._answered.response_complete:
            self._answered = self.cycle
        if self._leaving:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Start a request: without a task, if the application can do so and there is nothing to wait for."""
        if self._begin is None or app is not self.app:
            super()._start_asgi_task(cycle, app)
        else:
            if not self._started:
                self.loop.call_soon(_begin_all, self._started)
            self._started.append((self, self._begin, cycle))

    def begin(self, begin: Begin, cycle: RequestResponseCycle) -> None:
        """Serve a request whose turn it is."""
        try:
            rest = begin(cycle.scope, cycle.receive, cycle.send)
        except Exception as error:
            rest = _failed(error)
        if rest is not None:
            super()._start_asgi_task(cycle, lambda *_: rest)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._complete = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request's turn, if it is there already."""
        if self.pipeline:
            self._answered = self.pipeline[-1][0]
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            # To set a timer after each answer, and to cancel it at each request, takes longer than to read the request.
            self._idle_since = self.loop.time()
            if self._idle is None:
                self._idle = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def shutdown(self) -> None:
        """The worker stops: say so in the next answer, rather than to close a connection on which a request may be on its way."""
        self._leaving = True
        if self.cycle is None or self.cycle.response_started:
            self.loop.call_later(LINGER, super().shutdown)
        else:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's interface
        """Refuse what is no HTTP."""
        self._refuse(400, "The request is no valid HTTP.")

    def pause_writing(self) -> None:
        """The client takes nothing in: wait for it, but not for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken in what it was sent."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _send_whole(self, status: int, lines: bytes, body: bytes) -> bool:
        """Send an answer in one piece: what uvicorn does in two steps, header by header, for answers that are known to be right."""
        cycle = self._answered
        if cycle is None or cycle.response_started or cycle.disconnected or self.flow.write_paused or self.access_log:
            return False
        if self._common[0] is not cycle.default_headers:
            joined = b"".join(b"%b: %b\r\n" % header for header in cycle.default_headers)
            Protocol._common = cycle.default_headers, joined
        head = STATUS_LINE[status] + self._common[1] + lines
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(head + end + body)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def _close_if_idle(self) -> None:
        """Close the connection if nothing has come since its last answer, for as long as uvicorn waits for that."""
        self._idle = None
        if not self._complete or (self.cycle is not None and not self.cycle.response_complete):
            # There is a request; its answer sets the timer again.
            return
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._idle = self.loop.call_later(rest, self._close_if_idle)
        else:
            self.timeout_keep_alive_handler()

    def _give_up(self) -> None:
        self._deadline = None
        if self._in_head and not self._head and not self.headers:
            self.transport.close()
        else:
            self._refuse(408, f"The request was not complete after {PATIENCE} seconds.")

    def _refuse(self, status: int, sentence: str) -> None:
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way and self._in_head:
            # It is an earlier request's turn.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if not under_way or not self.cycle.response_started:
            self.transport.write(_answer(status, {"detail": sentence}))
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _begin_all(started: list[tuple[Protocol, Begin, RequestResponseCycle]]) -> None:
    requests = started[:]
    started.clear()
    for protocol, begin, cycle in requests:
        protocol.begin(begin, cycle)


def _nothing() -> None:
    pass


async def _failed(error: Exception) -> None:
    raise error


def _answer(status: int, body: Any) -> bytes:
    content = orjson.dumps(body)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + content
