"""A stream that never blocks its writer, even if the reader of a pipe has stopped, or a terminal is paused by Ctrl-S. Lines that
can't be written are buffered, or dropped and counted when the buffer is full.
"""

import atexit
import contextlib
import functools
import io
import os
import select
import socket
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# The maximum number of bytes buffered for a slow or stopped reader; further lines are dropped.
MOST_WAITING = 256 * 1024

# How long the exit of a process waits for its last lines to be written, in seconds.
PATIENCE = 1.0


class NonBlockingStream(io.RawIOBase):
    """A writer of whole lines, in order, to a pipe, a socket or a terminal. Any thread may write; nothing is raised.

    `O_NONBLOCK` on the descriptor itself would affect all processes that share it, such as a shell. So pipes and terminals are
    opened again, sockets get `MSG_DONTWAIT` with each call, files are written to as they are, and anything else by a thread.

    :param descriptor: an open file descriptor
    :param notice: makes the line that reports how many lines were dropped
    """

    def __init__(self, descriptor: int, notice: Callable[[int], bytes]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._notice = notice
        self._send = _sender(descriptor)
        self._begin()
        os.register_at_fork(after_in_child=self._begin)
        atexit.register(self.drain)
        self.tell_dropped: Callable[[], None] = _nothing
        """Called for each dropped line."""

    def _begin(self) -> None:
        # Lines buffered before a fork are written by the parent.
        self._lock = threading.RLock()
        self._waiting: deque[bytes] = deque()
        self._size = self._dropped = 0
        self._thread: threading.Thread | None = None

    def writable(self) -> bool:
        """Whether the stream can be written to: always."""
        return True

    def fileno(self) -> int:
        """The descriptor of the stream."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, line: Any) -> int:
        """Write a whole line, now or later, or drop it. :returns: its length"""
        rest = bytes(line)
        length = len(rest)
        with self._lock:
            written = 0 if self._waiting or self._send is None else self._write(rest)
            if written < length:
                self._keep(rest[written:], begun=written > 0)
        return length

    def drain(self, seconds: float = PATIENCE) -> None:
        """Wait until the buffer is empty, for a limited time."""
        if (thread := self._thread) is not None:
            thread.join(seconds)

    def _write(self, line: bytes) -> int:
        """Write as much as possible without blocking. :returns: the number of bytes"""
        try:
            return self._send(line)  # type: ignore[misc]  # asked for by the caller
        except BlockingIOError:
            return 0
        except OSError:
            # The reader has disconnected.
            return len(line)

    def _keep(self, rest: bytes, *, begun: bool) -> None:
        if not begun and self._size + len(rest) > MOST_WAITING:
            self._dropped += 1
            self.tell_dropped()
            return
        if self._dropped:
            self._append(self._notice(self._dropped))
            self._dropped = 0
        self._append(rest)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_waiting, name="flows-log", daemon=True)
            self._thread.start()

    def _append(self, line: bytes) -> None:
        self._waiting.append(line)
        self._size += len(line)

    def _write_waiting(self) -> None:
        """Write the buffered lines at the speed of the reader."""
        while True:
            with self._lock:
                if not self._waiting and self._dropped:
                    self._append(self._notice(self._dropped))
                    self._dropped = 0
                if not self._waiting:
                    self._thread = None
                    return
                line = self._waiting[0]
            # No other thread writes while lines are buffered.
            written = self._write_when_taken(line)
            with self._lock:
                self._size -= written
                if written == len(line):
                    self._waiting.popleft()
                else:
                    self._waiting[0] = line[written:]

    def _write_when_taken(self, line: bytes) -> int:
        if self._send is None:
            with contextlib.suppress(OSError):
                return os.write(self._descriptor, line)
            return len(line)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll()
        if not (written := self._write(line)):
            # There is space, but not enough.
            time.sleep(0.01)
        return written


def _sender(descriptor: int) -> Callable[[bytes], int] | None:
    """A function that writes to a descriptor without blocking and returns the number of bytes; None if there is no such way."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        with _borrowed(descriptor) as found:
            kind = found.family, found.type, found.proto

        def send(line: bytes) -> int:
            with _borrowed(descriptor, *kind) as peer:
                return peer.send(line, socket.MSG_DONTWAIT)

        return send
    if sys.platform == "linux" and (stat.S_ISFIFO(mode) or os.isatty(descriptor)):
        with contextlib.suppress(OSError):
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            return functools.partial(os.write, own)
    if stat.S_ISREG(mode) or _is_null_device(descriptor):
        # They have no reader to wait for: POSIX, poll(), takes regular files for always ready.
        return functools.partial(os.write, descriptor)
    return None


def _is_null_device(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev


@contextlib.contextmanager
def _borrowed(descriptor: int, family: int = -1, kind: int = -1, protocol: int = -1) -> Iterator[socket.socket]:
    """A socket on a descriptor, which stays open."""
    peer = socket.socket(family, kind, protocol, descriptor)
    try:
        yield peer
    finally:
        peer.detach()


def _nothing() -> None:
    pass
