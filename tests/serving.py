"""A server on a free port, in a thread of the test's process."""

import contextlib
import socket
import threading
import time

import psutil
import uvicorn

from app.server.protocol import Protocol

# Seconds after which something never happens, however busy the machine is.
DEADLINE = 120


def wait_for(condition, what, deadline=DEADLINE):
    """Wait until a condition holds; fails after the deadline, in seconds."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {deadline} s"
        threading.Event().wait(0.01)
    return value


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def runs(process):
    """Whether a process runs. One that has ended may wait long for its parent to take notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(server):
    """`kill -9` a server with its workers. :param server: its process, as `subprocess` has it"""
    doomed = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    for one in doomed:
        one.kill()
    server.wait(DEADLINE)
    wait_for(lambda: not any(map(runs, doomed)), "the end of the server")


@contextlib.contextmanager
def served(app):
    """Serve an ASGI application as the workers do. Gives its URL."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            loop="uvloop",
            http=Protocol,
            access_log=False,
            log_level="error",
            ws="none",
            lifespan="on",
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive(), "the start of the server")
        assert server.started
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
