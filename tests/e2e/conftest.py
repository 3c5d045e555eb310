"""The installed command, for every test that runs it."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.conformance.raw_http import RawClient
from tests.serving import wait_for

ROOT = Path(__file__).parents[2]
FLOWS_COMMAND = Path(sys.executable).parent / "flows"


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
def run(environment):
    """Runs a command to its end."""

    def run(*arguments, **variables):
        return subprocess.run(
            [FLOWS_COMMAND, *arguments],
            env=environment | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def start(environment, tmp_path):
    """Starts a server and waits for its URL."""
    started, numbers = [], itertools.count()

    def start(*command, **variables):
        out = tmp_path / f"out{next(numbers)}"
        with out.open("wb") as output:
            process = subprocess.Popen(
                [FLOWS_COMMAND, *(command or ["serve"])],
                env=environment | variables,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
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
