"""The log: one structured line per event, on standard error."""

import contextlib
import datetime as dt
import io
import logging
import os
import stat
import sys
from collections.abc import Callable, MutableMapping
from typing import IO, Any, cast

import orjson
import structlog

from app.nonblocking import NonBlockingStream

DROPPED = "log lines dropped"
"""The event that reports dropped lines."""


def configure(level: str, form: str) -> None:
    """Set up the log of this process and its forks. Writing never blocks.

    :param level: the minimum level
    :param form: `json`, `console`, or `auto` for console on a terminal
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    _unblocked(console=console)
    number: int = getattr(logging, level.upper())
    common: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    if console:
        structlog.configure(
            processors=[*common, _for_terminals, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.WriteLoggerFactory(cast(Any, _Outlet(sys.stderr))),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*common, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(orjson.dumps)],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=structlog.BytesLoggerFactory(cast(Any, _Outlet(sys.stderr.buffer))),
            cache_logger_on_first_use=True,
        )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True
    )
    # They warn of invalid requests, which the log line of the request reports.
    for name in ("python_multipart", "opentelemetry.trace", "opentelemetry.baggage"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _unblocked(*, console: bool) -> None:
    """Replace standard error by a stream that never blocks, unless it is a file, which never does."""
    if _stream() is not None:
        return
    try:
        descriptor = sys.stderr.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
    except OSError:
        # It has no file descriptor, as in tests.
        return
    stream = NonBlockingStream(descriptor, _notice_for_terminals if console else _notice)
    sys.stderr = io.TextIOWrapper(cast(Any, stream), sys.stderr.encoding, "backslashreplace", line_buffering=True)


def _stream() -> NonBlockingStream | None:
    stream = getattr(sys.stderr, "buffer", None)
    return stream if isinstance(stream, NonBlockingStream) else None


def tell_dropped(tell: Callable[[], None]) -> None:
    """Register a function to call for each dropped line. :param tell: the function, called on any thread"""
    if (stream := _stream()) is not None:
        stream.tell_dropped = tell


def drain() -> None:
    """Wait briefly until all lines are written. A process does so at exit, unless a signal ends it."""
    if (stream := _stream()) is not None:
        stream.drain()


def _notice(number: int) -> bytes:
    """The log line that reports dropped lines."""
    said = {"event": DROPPED, "lines": number, "level": "warning", "timestamp": _now()}
    return orjson.dumps(said) + b"\n"


def _notice_for_terminals(number: int) -> bytes:
    return f"{_now()} [warning  ] {DROPPED} lines={number}\n".encode()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def printable(text: str) -> str:
    """Escape the control characters of a text for a terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _for_terminals(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in event.items() if value is not None
    }


class _Outlet:
    """A stream that raises no errors, such as on a full disk: a request matters more than its log line.

    :param stream: of text or of bytes
    """

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, line: Any) -> None:
        """Write something."""
        with contextlib.suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        """Flush the stream. After an error it is tried again with the next line, as far as the data is buffered."""
        with contextlib.suppress(OSError):
            self._stream.flush()
