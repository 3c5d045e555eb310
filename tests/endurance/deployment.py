"""The server that has to endure, and what it takes."""

import dataclasses

import psutil

from tests.serving import free_port, runs, wait_for

WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What all processes of a server take together.

    :param memory: bytes; what several processes share counts once
    :param handles: open files, connections and the like
    :param threads: threads
    """

    memory: int
    handles: int
    threads: int


class Deployment:
    """A server on a database, always at the same port.

    :param start: the fixture that starts a server
    :param run: the fixture that runs a command
    :param url: a database with tables
    :param folder: for files of the test
    :param workers: how many it has
    """

    def __init__(self, start, run, url, folder, workers=WORKERS):
        self.url, self.folder = url, folder
        self._count = workers
        self._start, self._run = start, run
        self._variables = {
            "FLOWS_DATABASE_URL": url,
            "FLOWS_PORT": str(free_port()),
            "FLOWS_WORKERS": str(workers),
            "FLOWS_BOOTSTRAP_TOKEN": "root",
            "FLOWS_LOG_LEVEL": "warning",
        }
        self._outputs = []
        self.begin()

    def run(self, *arguments):
        """Run a command to its success. :returns: what it printed"""
        result = self._run(*arguments, **self._variables)
        assert result.returncode == 0, result
        return result.stdout

    def begin(self):
        """Start the server, and wait until it is whole."""
        self.wire, _, self.process = self._start(**self._variables)
        self._outputs.append(self.process.output)
        self.wait_until_whole()

    def workers(self):
        """Its workers that live."""
        return [*filter(runs, psutil.Process(self.process.pid).children())]

    def wait_until_whole(self, without=()):
        """Wait until it is ready, has all its workers, and is rid of some. :param without: these"""

        def whole():
            workers = self.workers()
            return len(workers) == self._count and not {*workers} & {*without}

        wait_for(whole, "all workers", 60)
        wait_for(self.ready, "readiness")

    def ready(self):
        """Whether it says that it is."""
        try:
            return self.wire.send("GET", "/-/health/ready/").status == 200
        except OSError:
            return False

    def footprint(self):
        """What it takes now."""
        processes = [psutil.Process(self.process.pid), *self.workers()]
        return Footprint(
            sum(process.memory_full_info().pss for process in processes),
            sum(process.num_fds() for process in processes),
            sum(process.num_threads() for process in processes),
        )

    def complaints(self):
        """What its log says besides that the database was not available, and that workers were killed."""
        lines = "".join(output.read_text() for output in self._outputs).splitlines()
        return [
            line
            for line in lines
            if (line.startswith("{") and '"event":"database unavailable"' not in line) or "Traceback" in line
        ]
