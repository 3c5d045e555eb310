"""HTTP protocol of uvicorn, with limits on the cost of a connection."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.contract.serve.asgi import BEGIN, RECEIVED, WHOLE, Begin, Committing, Resume
from app.server.heads import Rejected
from app.server.lingering import Lingering
from app.server.parsing import Reading

# Seconds until a request has to be complete, or to begin on a new connection, and until a client has to read its response.
PATIENCE = 60

# Seconds that a stopping worker still waits for a request on an idle connection: one may be on its way.
LINGER = 2


class Protocol(Reading):
    """One connection.

    A malformed request gets a JSON error response, and its connection ends, because the start of the next one is unknown. Earlier
    requests on the same connection get their responses first.
    """

    # As in `Reading`.
    __slots__ = ("_begin", "_idle", "_idle_since", "_unread")

    # The headers common to all responses, and the same encoded: uvicorn renews them every second.
    _common: ClassVar[tuple[list[tuple[bytes, bytes]], bytes]] = [], b""

    # The requests of all connections that begin in the next iteration of the event loop, of which a process has one.
    _started: ClassVar[list[tuple["Protocol", Begin, RequestResponseCycle]]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._begin: Begin | None = self.app_state.get(BEGIN)
        self._extensions[WHOLE] = {"send": self._send_whole}
        self._extensions[RECEIVED] = {"take": self._take_body}
        self._unread: asyncio.TimerHandle | None = None
        self.wait_for_rest()
        self._idle_since = 0.0
        self._idle: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self.stop_waiting()
        self.flow.release()
        for timer in (self._unread, self._idle):
            if timer is not None:
                timer.cancel()
        if self._answered is not None:
            # Uvicorn notifies only the last of several requests of the disconnect.
            self._answered.disconnected = True
        super().connection_lost(exc)
        # It no longer refers to itself, so that its memory is freed without the garbage collector.
        self._extensions.clear()
        if self.cycle is not None:
            self.cycle.on_response = _nothing

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Start a request: without a task, if the application supports it and nothing has to be awaited."""
        if self._begin is None:
            super()._start_asgi_task(cycle, partial(_serve, cycle, app))
        else:
            if not self._started:
                self.loop.call_soon(_begin_all, self._started)
            self._started.append((self, self._begin, cycle))

    def begin(self, begin: Begin, cycle: RequestResponseCycle) -> None:
        """Serve the next request, unless it has been rejected meanwhile."""
        if cycle.disconnected:
            return
        try:
            rest = begin(cycle.scope, cycle.receive, cycle.send)
        except Exception as error:
            rest = _failed(error)
        if rest is not None:
            self._serve_rest(cycle, rest)

    def _serve_rest(self, cycle: RequestResponseCycle, rest: Awaitable[None]) -> None:
        """Serve the rest of a request: after its commit, or as a task."""
        if type(rest) is Committing:
            rest.commit.add_done_callback(partial(self._resume, cycle, rest.resume))
        else:
            super()._start_asgi_task(cycle, lambda *_: rest)

    def _resume(self, cycle: RequestResponseCycle, resume: Resume, commit: asyncio.Future[None]) -> None:
        """Serve the rest of a request after its commit."""
        try:
            rest = resume(commit)
        except Exception as error:
            rest = _failed(error)
        if rest is not None:
            self._serve_rest(cycle, rest)

    def on_response_complete(self) -> None:
        """Serve the next queued request, or wait for one."""
        if self._answered is not None and self._answered.body:
            # The application has not read it, and uvicorn would keep it until the next request.
            self._answered.body.clear()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self.bound_end()
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._answered = cycle
            self._start_asgi_task(cycle, app)
            if not self.pipeline:
                self._waiting = 0
                self.read_held()
        elif self._last is not None or self.cycle.ends:
            self._finish()
        else:
            self.flow.resume_reading()
            self.wait_for_next()

    def wait_for_next(self) -> None:
        """Wait for the next request."""
        # One timer is kept: setting one after each response and cancelling it at each request would take longer than parsing.
        self._idle_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def eof_received(self) -> bool:  # type: ignore[override]  # as in asyncio
        """Handle the end of input. :returns: whether the connection stays open for responses"""
        self.stop_waiting()
        if not (self._in_head or self._complete):
            # This request will never be complete.
            if not self.pipeline:
                return False
            self.pipeline.popleft()
        if self._answered is None or self._answered.response_complete:
            return False
        self._last = b""
        (self.pipeline[0][0] if self.pipeline else self._answered).keep_alive = False
        self.flow.hold()
        return True

    def shutdown(self) -> None:
        """Announce the end of the connection in the next response, instead of closing it while a request may be on its way."""
        self._leaving = True
        if self.cycle is None or self.cycle.response_started:
            self.loop.call_later(LINGER, self._end_now)
        else:
            self.cycle.keep_alive = False

    def _end_now(self) -> None:
        super().shutdown()
        self.bound_end(LINGER)

    def bound_end(self, seconds: float = PATIENCE) -> None:
        """Abort the connection if its client does not read the rest: a closing transport would wait for ever.

        :param seconds: the time limit
        """
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            if self._unread is not None:
                self._unread.cancel()
            self._unread = self.loop.call_later(seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """Limit the wait for a client that does not read."""
        super().pause_writing()
        self._unread = self.loop.call_later(PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the limit: the client has read what was sent."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _send_whole(self, status: int, lines: bytes, body: bytes) -> bool:
        """Send a response in one piece: what uvicorn does in two steps, header by header, for responses that are known to be
        valid.
        """
        cycle = self._answered
        if cycle is None or cycle.response_started or cycle.disconnected or self.flow.write_paused:
            return False
        if self._common[0] is not cycle.default_headers:
            joined = b"".join(b"%b: %b\r\n" % header for header in cycle.default_headers)
            Protocol._common = cycle.default_headers, joined
        head = STATUS_LINE[status] + self._common[1] + lines
        ends = (cycle.more_body and cycle.ends_early()) or not cycle.keep_alive
        self.transport.write(head + (b"connection: close\r\n\r\n" if ends else b"\r\n") + body)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if ends and not cycle.ends:
            self.transport.close()
        cycle.on_response()
        return True

    def _take_body(self, most: int) -> bytes | None:
        """Take the body of the current request, if it has arrived completely and is not larger than so many bytes."""
        cycle = self._answered
        if cycle is None or cycle.more_body or len(cycle.body) > most:
            return None
        body = bytes(cycle.body)
        cycle.body.clear()
        return body

    def _close_if_idle(self) -> None:
        """Close the connection if it has been idle since its last response for uvicorn's keep-alive timeout."""
        self._idle = None
        if not self._complete or (self.cycle is not None and not self.cycle.response_complete):
            # There is a request; its response sets the timer again.
            return
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._idle = self.loop.call_later(rest, self._close_if_idle)
        else:
            self.timeout_keep_alive_handler()
            self.bound_end()

    def wait_for_rest(self) -> None:
        """Set the deadline for the current request."""
        self._deadline = self.loop.call_later(PATIENCE, self._give_up)

    def stop_waiting(self) -> None:
        """Cancel the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.pipeline:
            # The client waits for responses.
            self.wait_for_rest()
        elif self._in_head and not self._head and not self.headers:
            self.transport.close()
        else:
            self.reject(Rejected(408, f"The request was not complete after {PATIENCE} seconds."))

    def reject(self, rejected: Rejected) -> None:
        """Reject the current request, and end the connection."""
        response = _response(rejected)
        if not (self._in_head or self._complete):
            # It is queued or being served, but will never be complete.
            if self.pipeline:
                self.pipeline.popleft()
            elif self.cycle.response_complete:
                response = b""
            elif self.cycle.response_started:
                self.transport.close()
                return
            else:
                self.cycle.disconnected = True
                self.cycle.waiting_for_100_continue = False
                self.cycle.message_event.set()
                self._answered = None
        self.end(response)

    def end(self, response: bytes) -> None:
        """Respond to all complete requests, write a last response, and end the connection."""
        self.stop_waiting()
        self._last = response
        self.headers = []
        self.flow.release()
        self.flow.hold()
        if self._answered is None or self._answered.response_complete:
            self._finish()

    def _finish(self) -> None:
        """End the connection, even if the client is still sending."""
        self.stop_waiting()
        if self.transport.is_closing():
            return
        self._last = self._last or b""
        self.transport.write(self._last)
        self.flow.release()
        self.flow.resume_reading()
        Lingering(self.transport, self, self.loop)


def _begin_all(started: list[tuple[Protocol, Begin, RequestResponseCycle]]) -> None:
    requests = started[:]
    started.clear()
    for protocol, begin, cycle in requests:
        protocol.begin(begin, cycle)


async def _serve(cycle: RequestResponseCycle, app: ASGI3Application, scope: Any, receive: Any, send: Any) -> None:
    """Serve a request, unless it has been rejected meanwhile."""
    if not cycle.disconnected:
        await app(scope, receive, send)


def _nothing() -> None:
    pass


async def _failed(error: Exception) -> None:
    raise error


def _response(rejected: Rejected) -> bytes:
    content = orjson.dumps({"detail": rejected.message})
    head = (
        f"HTTP/1.1 {rejected.status} {HTTPStatus(rejected.status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + content
