"""A fork of the command line is like the installed command: what tests see of one, they would see of the other."""

import importlib.util
import signal

import psutil
import pytest

from tests import commands
from tests.serving import DEADLINE, wait_for


@pytest.fixture(params=[commands.installed, commands.forked], ids=lambda launch: launch.__name__)
def launch(request):
    """Each way to start a command."""
    return request.param


def test_output_errors_and_exit_code_are_apart(run):
    result = run("serve", FLOWS_PORT="x")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "flows: FLOWS_PORT: 'x' can't be used: give a whole number from 0 to 65535.\n"
    result = run("token", "list")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_a_signal_ends_the_server_and_its_workers(start, number, code):
    _, _, process = start()
    workers = wait_for(psutil.Process(process.pid).children, "the start of a worker")
    process.send_signal(number)
    assert process.wait(DEADLINE) == code
    assert process.poll() == process.returncode == code
    wait_for(lambda: not any(worker.is_running() for worker in workers), "the end of the workers")


@pytest.mark.parametrize("module", commands.IMPORTED)
def test_a_module_that_is_imported_before_a_fork_exists(module):
    assert importlib.util.find_spec(module)
