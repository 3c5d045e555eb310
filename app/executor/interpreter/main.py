"""The main loop of the process: it sets the limits, then reads tasks and writes outcomes, each a line of JSON."""

import json
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from app.executor.interpreter.evaluation import Evaluation
from app.executor.interpreter.limits import LARGEST, MEMORY, OUT_OF_MEMORY, READY

_OPEN_FILES = 3  # standard input, output and error
_NOBODY = 65534  # the user and group without rights on Linux
_TOO_LARGE = f"The expression returns more than {LARGEST} bytes."


def main() -> None:
    """Evaluate expressions until the server ends."""
    restrict()
    outcomes = sys.stdout.buffer
    sys.stdout = None  # no function that prints writes between the outcomes
    _answer(outcomes, READY)
    for line in sys.stdin.buffer:
        task = json.loads(line)
        # RLIMIT_CPU counts whole seconds of the life of the process. SIGPROF ends it, even within a call that takes long.
        signal.setitimer(signal.ITIMER_PROF, task["seconds"])
        try:
            outcome = _written(Evaluation(task).outcome())
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _answer(outcomes, outcome)


def restrict() -> None:
    """Restrict the process to processor time, some memory, its open streams and the modules that are imported.

    Root could raise the limits again, so it becomes another user first.

    :raises OSError: root may not change its user here
    """
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
    }
    # What is not imported yet would not be found, and the error would name folders of the server.
    sys.meta_path.clear()
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))


def _written(outcome: Any) -> bytes:
    try:
        line = json.dumps(outcome, allow_nan=False).encode() + b"\n"
    except (ValueError, RecursionError) as error:
        return _written({"error": str(error)})
    return line if len(line) <= LARGEST else _written({"error": _TOO_LARGE})


def _answer(outcomes: BinaryIO, line: bytes) -> None:
    outcomes.write(line)
    outcomes.flush()
