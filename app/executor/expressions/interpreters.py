"""Processes that evaluate expressions: started when needed, reused, and killed when an expression exceeds a limit."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import orjson

from app.executor.interpreter.limits import LARGEST, MEMORY, OUT_OF_MEMORY, READY

SECONDS = 0.8
"""The time of an expression, with all its lookups, in seconds of the clock."""

PROCESSOR_SECONDS = 0.6
"""The same in seconds of the processor."""

_START_SECONDS = 10.0
_MOST = 4
_CHUNK = 64 * 1024
# The server's packages without its environment and its options.
_START = "import sys; sys.path[:] = sys.argv[1:]; from app.executor.interpreter.main import main; main()"

TOO_LONG = f"The expression takes more than {PROCESSOR_SECONDS} seconds."
TOO_MUCH = f"The expression needs more than {MEMORY // 1024**2} MiB of memory."
_ENDED = "The interpreter of expressions has ended."
_BUSY = "The server evaluates too many expressions at the same time."
_NOT_STARTED = "The interpreter of expressions can't be started."


class Ended(Exception):
    """A process has ended, or has to be ended. The message gives the reason."""


class Interpreters:
    """A few processes that evaluate expressions, for all threads."""

    def __init__(self) -> None:
        self._idle: list[_Interpreter] = []
        self._places = threading.BoundedSemaphore(_MOST)
        self._finalizer = weakref.finalize(self, _stop, self._idle)

    def run(self, task: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Evaluate an expression.

        :param task: see `app.executor.expressions.tasks`
        :param seconds: the time that is left
        :returns: the outcome, see `app.executor.interpreter.evaluation`; `error` if it has none
        """
        if seconds <= 0 or not self._places.acquire(timeout=seconds):
            return {"error": TOO_LONG if seconds <= 0 else _BUSY}
        try:
            interpreter = self._take()
            began = time.monotonic()
            try:
                outcome = interpreter.run(task, seconds)
            except BaseException:
                interpreter.stop()
                raise
            self._idle.append(interpreter)
            return {**outcome, "seconds": time.monotonic() - began}
        except Ended as error:
            return {"error": str(error)}
        finally:
            self._places.release()

    def stop(self) -> None:
        """End the processes."""
        _stop(self._idle)

    def _take(self) -> "_Interpreter":
        while True:
            try:
                interpreter = self._idle.pop()
            except IndexError:
                return _Interpreter()
            if interpreter.runs:
                return interpreter
            interpreter.stop()


class _Interpreter:
    """One process. :raises Ended: it can't be started"""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair()
        command = [sys.executable, "-I", "-S", "-c", _START, *sys.path]
        try:
            with other:
                self._process = subprocess.Popen(  # noqa: S603  # fixed arguments
                    command,
                    stdin=other.fileno(),
                    stdout=other.fileno(),
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            self._socket.close()
            raise Ended(_NOT_STARTED) from error
        try:
            if self._read(time.monotonic() + _START_SECONDS) != READY:
                raise Ended(_NOT_STARTED)
        except (Ended, OSError) as error:
            self.stop()
            raise Ended(_NOT_STARTED) from error

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def run(self, task: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Evaluate an expression. :raises Ended: the process has exceeded a limit, or does not answer as it should"""
        until = time.monotonic() + seconds
        line = orjson.dumps({**task, "seconds": min(seconds, PROCESSOR_SECONDS)}) + b"\n"
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(line)
            outcome = orjson.loads(self._read(until))
        except TimeoutError as error:
            raise Ended(TOO_LONG) from error
        except OSError as error:
            raise Ended(self._reason()) from error
        except orjson.JSONDecodeError as error:
            raise Ended("The expression returns a value that is not valid JSON.") from error
        if not isinstance(outcome, dict):
            raise Ended(_ENDED)
        return outcome

    def stop(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _read(self, until: float) -> bytes:
        """The next line. :raises OSError: there is none in time"""
        line = b""
        while not line.endswith(b"\n"):
            self._socket.settimeout(max(until - time.monotonic(), 0.001))
            chunk = self._socket.recv(_CHUNK)
            line += chunk
            if not chunk or len(line) > LARGEST:
                raise ConnectionError
        return line

    def _reason(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(timeout=0.1)
            if status == OUT_OF_MEMORY:
                return TOO_MUCH
            if status == -signal.SIGPROF:
                return TOO_LONG
        return _ENDED


def _stop(interpreters: list[_Interpreter]) -> None:
    while interpreters:
        interpreters.pop().stop()
