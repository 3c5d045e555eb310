"""The worker that gunicorn runs: uvicorn on uvloop and httptools."""

import os
import signal
import threading
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from app.cli.protocol import Protocol


class Worker(UvicornWorker):
    """Uvicorn as this server wants it. Its access log is off: the application logs each request once, with its id.

    A worker whose parent is gone stops too: it would keep the port, and no server could start in its place. It learns of that by a
    pipe that only the parent can write to, and that ends with it.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "ws": "none",
    }

    # Where it counts in the metrics; given by the parent before it forks.
    part: int = 0

    # The ends of the pipe, to read and to write; made by the parent before it forks.
    lifeline: ClassVar[tuple[int, int] | None] = None

    def init_signals(self) -> None:
        """Set the worker's own signal handlers; before, it has its parent's, to which a signal to stop means nothing."""
        super().init_signals()
        if self.lifeline is not None:
            read_end, write_end = self.lifeline
            os.close(write_end)
            threading.Thread(target=_stop_with_parent, args=(read_end,), daemon=True).start()


def _stop_with_parent(read_end: int) -> None:
    os.read(read_end, 1)
    os.kill(os.getpid(), signal.SIGTERM)
