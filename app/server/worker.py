"""Worker of gunicorn: uvicorn on uvloop and httptools."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn import Config, Server
from uvicorn_worker import UvicornWorker

from app import logs
from app.server.protocol import Protocol

# Clients of the listening socket that an iteration of the event loop accepts. Other workers should get some, too.
_AT_ONCE = 16

# Size of the receive buffer of a connection, in bytes; the kernel would grow it to some MB. No more is read at once, which limits
# the memory that many connections take at the same moment.
_RECEIVE_BUFFER = 64 * 1024

# How many new objects start a garbage collection. Hundreds of concurrent requests have thousands, none of which is garbage.
_YOUNG_OBJECTS = 10_000


# Seconds between two heartbeats of a worker's event loop.
_HEARTBEAT = 1


class CrowdServer(Server):
    """Uvicorn's server for many clients at once; it accepts all waiting clients before it stops.

    :param notify: tells the parent that the event loop runs
    """

    def __init__(self, config: Config, notify: Callable[[], None]) -> None:
        super().__init__(config)
        self._notify = notify

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start. The loop accepts one client per iteration, so that the last of many clients would wait for seconds."""
        for listener in sockets or ():
            # Inherited by accepted connections.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        await super().startup(sockets)
        self._tell_of_life()
        self._entering: set[asyncio.Task[None]] = set()
        # The loop already watches the socket's own descriptor.
        self._doors = [listener.dup() for listener in sockets or ()]
        for door in self._doors:
            asyncio.get_running_loop().add_reader(door, self._let_some_in, door)
        # Nearly all objects are permanent now: the garbage collector can skip them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])

    def _tell_of_life(self) -> None:
        self._notify()
        self._heartbeat = asyncio.get_running_loop().call_later(_HEARTBEAT, self._tell_of_life)

    def _let_some_in(self, door: socket.socket) -> None:
        # No client is waiting, or no descriptors are left at present.
        with contextlib.suppress(OSError):
            for _ in range(_AT_ONCE):
                task = asyncio.get_running_loop().create_task(self._let_in(door.accept()[0]))
                self._entering.add(task)
                task.add_done_callback(self._entering.discard)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept all waiting clients, close the listening sockets, and only then stop: uvicorn would lose the last ones."""
        # The parent ends a worker that does not stop, after the time for a stuck one.
        self._heartbeat.cancel()
        for door in self._doors:
            asyncio.get_running_loop().remove_reader(door)
            with contextlib.suppress(BlockingIOError):
                while True:
                    await self._let_in(door.accept()[0])
            door.close()
        for server in self.servers:
            server.close()
        # Clients that the loop itself has accepted are known after one more iteration.
        await asyncio.sleep(0)
        await super().shutdown(sockets)
        logs.drain()

    async def _let_in(self, connection: socket.socket) -> None:
        config = self.config
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Protocol(config, self.server_state, self.lifespan.state), connection
        )


class Worker(UvicornWorker):
    """Uvicorn worker with the settings of this server. Its access log is off: the application logs each request once, with its
    id. Headers of proxies are left to `app.contract.request.origin`.

    A worker stops with its parent: it would keep the port, and no server could start in its place. It detects the end of the parent
    by a pipe that only the parent can write to.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "ws": "none",
        # It depends on the time of day, which may be set back.
        "callback_notify": None,
    }

    # Its index in the metrics; set by the parent before it forks.
    part: int = 0

    # The read and write ends of the pipe; created by the parent before it forks.
    lifeline: ClassVar[tuple[int, int] | None] = None

    def init_signals(self) -> None:
        """Set the worker's own signal handlers; those inherited from its parent ignore a signal to stop."""
        super().init_signals()
        # Ctrl-C reaches all processes of the terminal. uvicorn stops, and raises the signal again, which its parent would report.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.lifeline is not None:
            read_end, write_end = self.lifeline
            os.close(write_end)
            threading.Thread(target=_stop_with_parent, args=(read_end,), daemon=True).start()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = CrowdServer(self.config, self.notify)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


def stop_while_starting() -> None:
    """Let SIGTERM end each process forked from now on until it has a handler of its own.

    It would inherit its parent's, which ignores the signal.
    """

    def reset() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}),
        after_in_child=reset,
    )


def stop_on_interrupt() -> None:
    """Let SIGINT stop this parent as SIGTERM does. To gunicorn it means SIGQUIT for the workers, which uvicorn's ignore."""
    signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _stop_with_parent(read_end: int) -> None:
    os.read(read_end, 1)
    os.kill(os.getpid(), signal.SIGTERM)
