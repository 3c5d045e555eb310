"""The command line in a process: the installed command, or a fork of a process that has imported it already.

Imports take most of the second that a command takes. A fork has its own identifier, environment, output and exit code
like the installed command, and does without them.
"""

import atexit
import multiprocessing
import os
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOWS_COMMAND = Path(sys.executable).parent / "flows"

# Variables of Python that forks follow.
_KNOWN = {"PYTHONWARNINGS"}

# What commands import when they are called.
IMPORTED = [
    "alembic.command",
    "app.application",
    "app.blueprints.importing",
    "app.cli.banner",
    "app.cli.first_token",
    "app.cli.seeding",
    "app.cli.start",
    "app.cli.stored",
    "app.cli.temporary",
    "app.recording.recorder",
    "app.server.worker",
    "app.store.engine.postgresql.database",
    "app.store.engine.sqlite.database",
    "app.store.upkeep.migration",
    "gunicorn.arbiter",
    "pytest",
    "tests.commands",
]

_forks = multiprocessing.get_context("forkserver")
# A module that can't be imported is passed over.
_forks.set_forkserver_preload(IMPORTED)


def installed(arguments, environment, output, errors):
    """Start the installed command.

    :param output: the file of what it prints
    :param errors: the file of what it prints as errors, which may be the same
    """
    with output.open("ab") as out, errors.open("ab") as err:
        return subprocess.Popen([FLOWS_COMMAND, *arguments], env=environment, cwd=ROOT, stdout=out, stderr=err)


def forked(arguments, environment, output, errors):
    """Start a fork, and the installed command where a fork can't be like it.

    Python's own variables are read before anything is imported, and `flows dev` starts a process of its own.
    """
    if arguments[0] == "dev" or any(name.startswith("PYTHON") for name in environment.keys() - _KNOWN):
        return installed(arguments, environment, output, errors)
    # It may be looked for before the fork has opened it.
    output.touch()
    process = _Fork(target=_command, args=([*map(os.fsdecode, arguments)], environment, output, errors), daemon=True)
    process.start()
    return process


class _Fork(_forks.Process):
    """A forked process with the methods that `subprocess.Popen` has."""

    args = ()

    @property
    def returncode(self):
        return self.exitcode

    def poll(self):
        return self.exitcode

    def wait(self, timeout=None):
        self.join(timeout)
        if self.exitcode is None:
            raise subprocess.TimeoutExpired(self.name, timeout)
        return self.exitcode

    def send_signal(self, number):
        if self.exitcode is None:
            os.kill(self.pid, number)


def _command(arguments, environment, output, errors):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for path, descriptor in ((output, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
    if environment.get("PYTHONWARNINGS") == "error::ResourceWarning":
        warnings.simplefilter("error", ResourceWarning)
    sys.argv = [str(FLOWS_COMMAND), *arguments]
    from app.cli import main

    try:
        main()
    finally:
        # A process of multiprocessing ends by `os._exit`, and calls this function itself since Python 3.13 only. No public one runs
        # what is registered with `atexit`.
        atexit._run_exitfuncs()
