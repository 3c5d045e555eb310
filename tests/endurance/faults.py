"""What goes wrong while a server is under load. Each function causes one fault and takes it away again."""

import contextlib
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg

from app.application import open_store
from app.settings import Settings
from tests import postgresql
from tests.asgi import FLOWS
from tests.e2e.test_command import bearer
from tests.e2e.test_hostile import exchange, request, statuses
from tests.serving import kill, wait_for

IDLE = 200


@dataclass(frozen=True)
class Place:
    """Where faults happen.

    :param deployment: the server
    :param contract: its contract
    :param database: the PostgreSQL server below it, None if its store is embedded
    :param seconds: how long a fault lasts that lasts
    """

    deployment: object
    contract: object
    database: object
    seconds: float

    def last(self):
        """Let it last."""
        threading.Event().wait(self.seconds)

    def connect(self):
        """A connection to the server."""
        return socket.create_connection(("127.0.0.1", urlsplit(self.deployment.process.url).port), 30)

    def embedded(self):
        """A connection to the embedded store, closed at the end of a `with`."""
        path = self.deployment.url.removeprefix("sqlite:///")
        return contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30))

    def networked(self):
        """A connection to the database of PostgreSQL."""
        return psycopg.connect(self.deployment.url, autocommit=True)


def worker_killed(place):
    doomed = place.deployment.workers()[:1]
    doomed[0].kill()
    place.deployment.wait_until_whole(without=doomed)


def server_killed(place):
    kill(place.deployment.process)
    place.deployment.begin()


def reload(place):
    old = place.deployment.workers()
    place.deployment.process.send_signal(signal.SIGHUP)
    place.deployment.wait_until_whole(without=old)


def idle_and_slow_clients(place):
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(place.connect()) for _ in range(IDLE)]
        for number, connection in enumerate(opened[::2]):
            connection.sendall(request("POST", headers="Content-Length: 100\r\n", body="{")[: 10 + number].encode())
        place.last()


def hostile_requests(place):
    for text, status in (
        (request("POST", headers="Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", body="0\r\n\r\n"), 400),
        (request("POST", headers="Connection: close\r\nContent-Length: 400000\r\n", body="[" * 400_000), 400),
        (f"GET {FLOWS} HTTP/1.1\r\nX: " + "a" * 70_000, 431),
    ):
        with place.connect() as connection:
            assert statuses(exchange(connection, text)) == [status]


def token_made_and_revoked(place):
    with contextlib.closing(open_store(Settings(database_url=place.deployment.url), place.contract)) as store:
        secret = store.tokens.add("passing", superuser=True)

        def status():
            return place.deployment.wire.send("GET", FLOWS, bearer(secret)).status

        assert status() == 200
        store.tokens.change("passing", active=False)
        wait_for(lambda: status() == 403, "the refusal")
        store.tokens.remove("passing")


def backup(place):
    place.deployment.run("backup", str(place.deployment.folder / "flows.backup"))


def long_reader(place):
    with place.embedded() as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*), max(title) FROM flows").fetchone()
        place.last()
        assert reader.execute("SELECT count(*), max(title) FROM flows").fetchone() == before


def writer_that_takes_its_time(place):
    with place.embedded() as writer:
        writer.execute("BEGIN EXCLUSIVE")
        place.last()
        writer.execute("ROLLBACK")


def full_disk(place):
    log = Path(place.deployment.url.removeprefix("sqlite:///") + "-wal")
    workers = place.deployment.workers()
    unlimited = resource.RLIM_INFINITY
    for worker in workers:
        worker.rlimit(psutil.RLIMIT_FSIZE, (log.stat().st_size, unlimited))
    place.last()
    for worker in workers:
        worker.rlimit(psutil.RLIMIT_FSIZE, (unlimited, unlimited))


def database_restarted(place):
    place.database.stop()
    place.database.ensure_postgres_running()


def database_crashed(place):
    postgresql.crash(place.database)
    place.database.ensure_postgres_running()


def connections_cut(place):
    with place.networked() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def table_locked(place):
    with place.networked() as connection, connection.transaction():
        connection.execute("LOCK TABLE flows IN ACCESS EXCLUSIVE MODE")
        place.last()


def dump(place):
    command = [f"{postgresql.programs()}/pg_dump", "--format=custom", f"--file={place.deployment.folder}/flows.dump"]
    subprocess.run([*command, place.deployment.url], check=True, timeout=60)


# After these some requests have no answer, and other workers serve.
DEADLY = (worker_killed, server_killed)
REPLACING = (*DEADLY, reload)
LASTING = {
    "sqlite": (
        *(long_reader, hostile_requests, writer_that_takes_its_time, token_made_and_revoked),
        *(full_disk, idle_and_slow_clients, backup),
    ),
    "postgresql": (
        *(database_restarted, hostile_requests, connections_cut, token_made_and_revoked),
        *(table_locked, idle_and_slow_clients, database_crashed, dump),
    ),
}


def rotation(engine):
    """The faults of an engine, each once, in an order that has those that replace workers far from one another."""
    lasting = list(LASTING[engine])
    for number, fault in enumerate(REPLACING):
        lasting.insert(3 * number, fault)
    return lasting
