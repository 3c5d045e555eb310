"""PgBouncer, if it is installed: a pooler between clients and a PostgreSQL server."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.serving import free_port, wait_for

# Debian has it among the programs of the administrator.
PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")

installed = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: apt install pgbouncer")


@contextlib.contextmanager
def pooled(node, name, mode, **options):
    """A pooler in front of a database. Gives the URL of the database there.

    :param node: the server, a `tests.postgresql.Node`
    :param name: of the database
    :param mode: `session`, `transaction` or `statement`
    :param options: further options of PgBouncer
    """
    host, _, port = node.address.partition(":")
    options = {
        "listen_addr": "127.0.0.1",
        "listen_port": free_port(),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": mode,
        "ignore_startup_parameters": "options",
        "max_client_conn": 200,
        "default_pool_size": 20,
    } | options
    database = f"{name} = host={host} port={port} dbname={name} user=postgres"
    lines = ["[databases]", database, "[pgbouncer]", *(f"{key} = {value}" for key, value in options.items())]
    with tempfile.TemporaryDirectory(prefix="flows-pgbouncer-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text("\n".join(lines) + "\n")
        # It refuses to run as root, and has to read the file.
        Path(folder).chmod(0o755)
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen([PROGRAM, *user, file], stdout=log, stderr=log)
        try:
            wait_for(lambda: _listens(options["listen_port"]) or process.poll() is not None, "the start of PgBouncer")
            assert process.poll() is None, Path(folder, "log").read_text()
            yield f"postgresql://postgres@127.0.0.1:{options['listen_port']}/{name}"
        finally:
            process.terminate()
            process.wait(20)


def _listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
