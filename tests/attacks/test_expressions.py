"""Expressions that try to get out of their interpreter, or to use it up."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from app.executor.expressions.interpreters import SECONDS, Interpreters
from app.executor.interpreter import limits

ESCAPES = yaml.safe_load(Path(__file__).with_name("escapes.yaml").read_text(encoding="utf-8"))
# How long an escape may take. Others have as long as in a server.
SHORT = 0.3


@pytest.fixture(scope="module")
def interpreters():
    processes = Interpreters()
    yield processes
    processes.stop()


def outcome(interpreters, expression, seconds=SECONDS):
    """The outcome of an expression, after its lookups, which find nothing."""
    task = {
        "source": expression, "debug": False, "user": None, "pending_user": None, "context": {"harmless": "harmless"}, "plan": None,
        "shares_context": False, "http_request": None, "client_ip": "", "found": [],
    }  # fmt: skip
    for _ in range(16):
        found = interpreters.run(task, seconds)
        if "missing" not in found:
            return found
        task["found"] = [*task["found"], [found["missing"], None]]
        seconds -= found["seconds"]
    return {"error": "too many lookups"}


def test_the_corpus_has_each_escape_once():
    assert (
        len({escape["what"] for escape in ESCAPES}) == len({escape["expression"] for escape in ESCAPES}) == len(ESCAPES)
    )
    assert len(ESCAPES) >= 60


@pytest.mark.alone(reason="the time of an expression has a bound")
@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape["what"])
def test_an_escape_is_refused_or_ended_in_time_and_the_next_expression_is_evaluated(interpreters, escape):
    assert outcome(interpreters, "return 1")["value"] == 1
    began = time.monotonic()
    found = outcome(interpreters, f"harmless = context['harmless']\n{escape['expression']}", SHORT)
    assert time.monotonic() - began < 1
    assert "error" in found or found["value"] in (None, "harmless"), found
    assert (
        outcome(interpreters, "import re\nreturn re.sub('a', 'b', request.context['harmless'])")["value"] == "hbrmless"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "return b'a'.decode('no_such_encoding')", "return 'a'.encode('zlib')", "return 'a'.encode('idna')",
        "return '\\N{BULLET}'", "import re\nreturn re.match(r'\\N{BULLET}', 'a')", "return 'ä'.encode('ascii', 'namereplace')",
        "import datetime\nreturn datetime.date.today().strftime('%Z')", "import time", "from time import time",
        "import datetime\nreturn datetime.datetime.strptime('a', '%Z')", "return str(ip_network('a'))",
    ],
)  # fmt: skip
def test_no_outcome_names_a_file_of_the_server(interpreters, expression):
    assert "/" not in outcome(interpreters, expression).get("error", "")


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')", "open('/dev/shm/flows', 'w')", "os.listdir('/')", "socket.socket()", "socket.socketpair()",
        "os.pipe()", "os.dup(0)", "subprocess.run(['id'])", "bytearray(limits.MEMORY)",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))",
    ],
)  # fmt: skip
def test_the_process_can_open_nothing_even_if_an_expression_has_got_out(attempt):
    code = f"""
import os, resource, socket, subprocess
from app.executor.interpreter import limits
from app.executor.interpreter.main import restrict
restrict()
try:
    {attempt}
except (OSError, MemoryError, ValueError):
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(limits.__file__).parents[3]).returncode == 9


@pytest.fixture
def started():
    """Interpreters that have started one process, and this process."""
    before = {child.pid for child in psutil.Process().children()}
    processes = Interpreters()
    assert outcome(processes, "return 1")["value"] == 1
    (process,) = [child for child in psutil.Process().children() if child.pid not in before]
    yield processes, process
    processes.stop()


def test_the_process_has_no_environment_and_no_files_of_the_server(started):
    _, process = started
    assert process.environ() == {}
    assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) == 3


def test_a_process_that_was_killed_is_started_again(started):
    processes, process = started
    process.kill()
    assert outcome(processes, "return 1", SECONDS).get("value") in (1, None)
    assert outcome(processes, "return 1")["value"] == 1


def test_the_process_ends_with_the_server(started):
    processes, process = started
    processes.stop()
    assert not process.is_running()
