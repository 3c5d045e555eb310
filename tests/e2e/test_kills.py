"""`kill -9` during a storm of writes: what was acknowledged is there afterwards, and nothing has to be repaired.

`make storm` runs many rounds.
"""

import time

import psutil
import psycopg
import pytest

from tests import commands
from tests.serving import free_port, kill, wait_for
from tests.storm import Storm

# A server starts again as it does for users.
LAUNCH = commands.installed

# Answers of success before something is killed.
ANSWERS = 60


@pytest.fixture
def variables(engine, request, run):
    """The settings of a server with two workers on an empty database of each engine."""
    port = str(free_port())
    if engine == "sqlite":
        given = {}
    else:
        url = request.getfixturevalue("postgresql_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE killed")
        given = {"FLOWS_DATABASE_URL": url.replace("/postgres?", "/killed?")}
    given |= {"FLOWS_PORT": port, "FLOWS_WORKERS": "2", "FLOWS_BOOTSTRAP_TOKEN": "root", "FLOWS_LOG_LEVEL": "warning"}
    assert run("db", "upgrade", **given).returncode == 0
    return given


def test_nothing_is_lost(start, variables, rounds, engine):
    wire, _, process = start(**variables)
    starts = []

    def wait_for_answers(storm):
        enough = storm.acknowledged + ANSWERS
        wait_for(lambda: storm.acknowledged >= enough, f"{ANSWERS} answers")

    with Storm(wire, "root") as storm:
        for _ in range(rounds):
            wait_for_answers(storm)
            workers = psutil.Process(process.pid).children()
            workers[0].kill()
            wait_for_answers(storm)
            kill(process)
            begun = time.monotonic()
            storm.wire, _, process = start(**variables)
            wait_for(lambda: storm.wire.send("GET", "/-/health/ready/").status == 200, "readiness")
            starts.append(time.monotonic() - begun)
            storm.check()
            assert process.output.read_text().count("Traceback") == 0
    storm.check()
    assert storm.statuses.keys() <= {200, 201, 204, 404, None}
    print(
        f"{engine}: {2 * rounds} kills, {storm.acknowledged} acknowledged, {storm.open} without an answer, 0 lost; served"
        f" again after {sorted(starts)[len(starts) // 2]:.2f} s, at most {max(starts):.2f} s"
    )
