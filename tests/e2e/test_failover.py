"""A primary that is killed, and its standby that is promoted: the servers follow by themselves, and lose nothing."""

import contextlib
import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from app.store.engine import engines
from app.store.engine.factory import open_database
from tests import postgresql
from tests.e2e.test_command import bearer
from tests.e2e.test_outages import FLOWS, RECOVERY, assert_unavailable
from tests.serving import free_port, wait_for
from tests.storm import Storm

# Answers of success in each state of the databases.
ANSWERS = 60


pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def nodes():
    """A primary, and its standby that has all that is acknowledged."""
    # Not in pytest's folder: they run as another user, whom each further run of pytest shuts out of there.
    with tempfile.TemporaryDirectory(prefix="flows-failover-") as folder, contextlib.ExitStack() as stack:
        primary = postgresql.Node(Path(folder, "primary"), free_port())
        stack.callback(primary.remove)
        standby = postgresql.Node(Path(folder, "standby"), free_port(), primary)
        stack.callback(standby.remove)
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_for(lambda: primary.execute(synchronous), "the standby that is waited for")
        yield primary, standby


def test_a_machine_that_has_vanished_is_noticed(nodes):
    with contextlib.closing(open_database(nodes[0].url)) as database:
        connection = database.take_out().driver_connection
        with socket.socket(fileno=os.dup(connection.fileno())) as known:
            assert known.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == engines.POSTGRESQL_SILENCE
            # While it owes an answer nothing is sent to it but probes.
            assert known.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert known.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 2


def test_a_promoted_standby_is_followed_and_has_all_that_was_acknowledged(nodes, run, start):
    primary, standby = nodes
    url = f"postgresql://postgres@{primary.address},{standby.address}/postgres"
    variables = {"FLOWS_DATABASE_URL": url, "FLOWS_WORKERS": "2", "FLOWS_BOOTSTRAP_TOKEN": "root"}
    assert run("db", "upgrade", **variables).returncode == 0
    wire, _, process = start(**variables)

    def send(path):
        return wire.send("GET", path, bearer("root"))

    with Storm(wire, "root") as storm:

        def wait_for_answers(deadline):
            enough = storm.acknowledged + ANSWERS
            wait_for(lambda: storm.acknowledged >= enough, f"{ANSWERS} answers", deadline)

        wait_for_answers(20)
        assert storm.statuses.keys() <= {200, 201, 204}
        primary.kill()
        wait_for(lambda: 503 in storm.statuses, "the outage")
        # The standby by itself takes no changes, and what it has may be old.
        assert_unavailable(send(FLOWS))
        assert send("/-/health/live/").status == 200
        assert send("/-/health/ready/").status == 503
        before, begun = storm.acknowledged, time.monotonic()
        assert standby.execute("SELECT pg_promote()")
        promotion = time.monotonic() - begun
        wait_for(lambda: storm.acknowledged > before, "success", RECOVERY)
        recovery = time.monotonic() - begun
        wait_for(lambda: send("/-/health/ready/").status == 200, "readiness", RECOVERY)
        wait_for_answers(20)
        storm.check()
        # The old one comes back, and stands first in the URL.
        primary.become_standby()
        primary.start()
        position = primary.execute("SELECT pg_last_wal_replay_lsn()")
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        standby.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        wait_for_answers(20)
        assert primary.execute("SELECT pg_last_wal_replay_lsn()") == position
    storm.check()
    # Of what was open, some turned out not to be there.
    assert storm.statuses.keys() <= {200, 201, 204, 404, 503}
    assert process.output.read_text().count("Traceback") == 0
    print(
        f"{storm.acknowledged} acknowledged, {storm.open} answered 503, 0 lost; the promotion took {promotion:.2f} s,"
        f" and success came {recovery:.2f} s after its beginning"
    )
