"""Gunicorn, which starts, monitors and stops the workers."""

import itertools
import os
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from starlette.types import ASGIApp

from app.metrics import Metrics
from app.server.worker import Worker, stop_on_interrupt, stop_while_starting
from app.settings import Settings


class Arbiter(BaseApplication):
    """Gunicorn with the workers of this server.

    :param app: the application, loaded before the workers are forked
    :param settings: the address, and the number of workers
    :param metrics: the counters, of which each worker gets a part
    :param begin: called in the first worker when it begins
    :param announce: called with the port when the server listens
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        metrics: Metrics,
        begin: Callable[[], None],
        announce: Callable[[int], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._begin = begin
        self._announce = announce
        super().__init__()

    def run(self) -> None:
        """Serve until told to stop."""
        stop_while_starting()
        Worker.lifeline = os.pipe()
        super().run()

    def load_config(self) -> None:
        """Set gunicorn's options. Called by gunicorn."""
        options: dict[str, Any] = {
            "bind": f"{self._settings.url_host}:{self._settings.port}",
            "workers": self._settings.workers,
            "worker_class": Worker,
            "preload_app": True,
            "proc_name": "flows",
            "loglevel": "warning",
            "graceful_timeout": 30,
            # Seconds without a heartbeat until a worker is replaced.
            "timeout": 30,
            "keepalive": 75,
            # Signals are the only control from outside.
            "control_socket_disable": True,
            "pre_fork": _assign_part,
            "post_fork": self._begin_worker,
            "child_exit": lambda _arbiter, worker: self._metrics.release(worker.part),
            "when_ready": self._ready,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> ASGIApp:
        """The application. Called by gunicorn."""
        return self._app

    def _begin_worker(self, _arbiter: Any, worker: Worker) -> None:
        self._metrics.take(worker.part)
        if worker.part == 0:
            self._begin()

    def _ready(self, arbiter: Any) -> None:
        stop_on_interrupt()
        self._announce(arbiter.LISTENERS[0].getsockname()[1])


def _assign_part(arbiter: Any, worker: Worker) -> None:
    taken = {other.part for other in arbiter.WORKERS.values()}
    worker.part = next(part for part in itertools.count() if part not in taken)
