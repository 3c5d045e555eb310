"""Servers and proxies in front of them, each at a free port of 127.0.0.1."""

import contextlib
import getpass
import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.conformance.raw_http import RawClient
from tests.asgi import FLOWS
from tests.commands import FLOWS_COMMAND, ROOT
from tests.proxies import configurations
from tests.serving import free_port, wait_for

TOKEN = "root"
# Daemons are not on everybody's PATH.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True)
class Front:
    """What clients connect to.

    :param name: which of FRONTS
    :param port: at 127.0.0.1
    :param log: the file with the log of the server behind it
    :param direct: host and port of that server
    """

    name: str
    port: int
    log: Path
    direct: str

    def connect(self):
        """Open a connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), 20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def wire(self):
        """For requests through the proxy."""
        return RawClient(f"http://127.0.0.1:{self.port}")

    def server(self):
        """For requests to the server itself."""
        return RawClient(f"http://{self.direct}")

    def requests(self):
        """Method, path and token's name of each request to the API that the server has logged."""
        # Several, as each worker logs in its own time.
        markers = [f"{FLOWS}marker-{os.urandom(8).hex()}/" for _ in range(8)]
        for marker in markers:
            self.server().send("GET", marker)
        wait_for(lambda: all(marker in self.log.read_text() for marker in markers), "the lines of requests")
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith('{"id"')]
        return [(line["method"], line["path"], line["token"]) for line in lines if "/marker-" not in line["path"]]


def program(name):
    """The path of a proxy's program."""
    path = shutil.which(name, path=PATH)
    if path is None:
        # The tests pass on a machine that has only Python; what runs them for a release installs both first.
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    return path


@contextlib.contextmanager
def running(command, log, responses, what, **options):
    """Run a program until the end of a `with`. :param responses: whether it is there"""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        wait_for(lambda: process.poll() is not None or responses(), f"the start of {what}")
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def served(folder, workers):
    """A server with an embedded store. Gives host and port, and its log."""
    folder.mkdir()
    address, log = f"127.0.0.1:{free_port()}", folder / "log"
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME") if name in os.environ
    } | {
        "FLOWS_DATABASE_URL": f"sqlite:///{folder}/flows.sqlite3",
        "FLOWS_PORT": address.partition(":")[2],
        "FLOWS_WORKERS": str(workers),
        "FLOWS_BOOTSTRAP_TOKEN": TOKEN,
        "FLOWS_LOG_FORMAT": "json",
    }
    with running([FLOWS_COMMAND, "serve"], log, lambda: _ready(address), "the server", env=environment, cwd=ROOT):
        yield address, log


def _ready(address):
    with contextlib.suppress(OSError):
        return RawClient(f"http://{address}").send("GET", "/-/health/ready/").status == 200
    return False


@contextlib.contextmanager
def nginx(folder, server, *changes, **given):
    """An nginx in front of a server. Gives its port."""
    command = [program("nginx"), "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"]
    folder.mkdir()
    port = free_port()
    user = getpass.getuser() if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(configurations.nginx(folder, user, port, server, *changes, **given))
    with running(command, folder / "out", lambda: _ready(f"127.0.0.1:{port}"), "nginx"):
        yield port


@contextlib.contextmanager
def haproxy(folder, server, *changes, **given):
    """An HAProxy in front of a server. Gives its port."""
    command = [program("haproxy"), "-db", "-f", folder / "haproxy.cfg"]
    folder.mkdir()
    port = free_port()
    (folder / "haproxy.cfg").write_text(configurations.haproxy(port, server, *changes, **given))
    with running(command, folder / "out", lambda: _ready(f"127.0.0.1:{port}"), "HAProxy"):
        yield port


# What clients connect to, by its name: the workers of the server, and the proxy in front of it with what is changed in its
# configuration. They are those of `deploy/`, and others that people have.
FRONTS = {
    "direct": (1, None),
    "nginx": (2, nginx),
    "nginx-upgrading": (1, nginx, *configurations.UPGRADING),
    "nginx-upgrading-2-workers": (2, nginx, *configurations.UPGRADING),
    "nginx-upgrading-unbuffered": (1, nginx, *configurations.UPGRADING, *configurations.UNBUFFERED),
    "haproxy": (2, haproxy),
    "haproxy-reusing": (1, haproxy, *configurations.REUSING, *configurations.STREAMING),
}
