"""The command line, for every test that runs it."""

import itertools
import os
import re
import subprocess

import pytest

from app.conformance.raw_http import RawClient
from tests import commands
from tests.serving import DEADLINE, wait_for


@pytest.fixture
def environment(tmp_path):
    """The environment of a command: a store of the test's own, nothing else from outside."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME") if name in os.environ}
    return kept | {
        "FLOWS_DATABASE_URL": f"sqlite:///{tmp_path}/deep/flows.sqlite3",
        "FLOWS_PORT": "0",
        "FLOWS_LOG_FORMAT": "json",
        "PYTHONWARNINGS": "error::ResourceWarning",
    }


@pytest.fixture
def launch(request):
    """Starts a command: a fork, unless the module has a `LAUNCH`."""
    return getattr(request.module, "LAUNCH", commands.forked)


@pytest.fixture
def run(launch, environment, tmp_path_factory):
    """Runs a command to its end."""
    folder, numbers = tmp_path_factory.mktemp("run"), itertools.count()

    def run(*arguments, **variables):
        number = next(numbers)
        output, errors = folder / f"{number}.out", folder / f"{number}.err"
        process = launch(arguments, environment | variables, output, errors)
        try:
            code = process.wait(DEADLINE)
        finally:
            process.kill()
        return subprocess.CompletedProcess(arguments, code, output.read_text(), errors.read_text())

    return run


@pytest.fixture
def start(launch, environment, tmp_path):
    """Starts a server and waits for its URL."""
    started, numbers = [], itertools.count()

    def start(*command, **variables):
        out = tmp_path / f"out{next(numbers)}"
        process = launch(command or ["serve"], environment | variables, out, out)
        started.append(process)

        def url():
            assert process.poll() is None, out.read_text()
            return re.search(r"URL: +(http://[\d.]+:\d+)/api/v3/", out.read_text())

        base = wait_for(url, "the URL of the server")[1]
        token = re.search(r"Token: (\S{43})$", out.read_text(), re.MULTILINE)
        process.output, process.url = out, base
        return RawClient(base), token and token[1], process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
