"""Every response is the one of some order in which the operations of all clients took place, one at a time, whatever goes wrong.

`make test` lets each fault happen once; `make storm` goes on for minutes.
"""

import contextlib
import itertools
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest

from tests.conftest import database_at
from tests.endurance import faults
from tests.endurance.deployment import Deployment
from tests.linearizability.checker import Undecided, check
from tests.linearizability.clients import HANG, Crowd
from tests.serving import wait_for

# Groups of flows, of which each has a history of its own; clients of a group; operations of a client from one fault to the next.
GROUPS, CLIENTS, OPERATIONS = 2, 5, 60
# Of the histories, those that may be given up on: too many operations without a response were pending.
UNDECIDED = 0.05


@dataclass(frozen=True)
class Scenario:
    """What is served.

    :param engine: the database's
    :param workers: processes of the server
    :param isolation: what PostgreSQL gives transactions that ask for nothing
    """

    engine: str
    workers: int
    isolation: str = ""

    def __str__(self):
        return "-".join(filter(None, (self.engine, str(self.workers), self.isolation.replace(" ", "_"))))


SCENARIOS = (
    Scenario("sqlite", 1),
    Scenario("sqlite", 4),
    Scenario("postgresql", 1, "read committed"),
    Scenario("postgresql", 3, "read committed"),
    Scenario("postgresql", 3, "repeatable read"),
    Scenario("postgresql", 3, "serializable"),
)


def nothing(place):
    pass


def worker_stopped(place):
    stopped = place.deployment.workers()[0]
    stopped.suspend()
    place.last()
    stopped.resume()


def connections_cut(place):
    with place.networked() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


FAULTS = {
    "sqlite": (nothing, faults.worker_killed, faults.reload, worker_stopped),
    "postgresql": (nothing, faults.worker_killed, connections_cut, faults.reload, worker_stopped),
}
# Of them, those of the short form.
FEW = 3


@pytest.fixture(params=SCENARIOS, ids=str)
def scenario(request):
    return request.param


@pytest.fixture
def place(scenario, start, run, contract, tmp_path, request):
    """A server of a scenario, for faults to happen to."""
    with contextlib.contextmanager(database_at)(scenario.engine, tmp_path, request) as url:
        if scenario.isolation:
            with psycopg.connect(url, autocommit=True) as connection:
                name = connection.info.dbname
                connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{scenario.isolation}'")
            given = {"FLOWS_DATABASE_URL": url, "FLOWS_BOOTSTRAP_TOKEN": "root"}
            assert run("db", "upgrade", **given).returncode == 0
        yield faults.Place(Deployment(start, run, url, tmp_path, scenario.workers), contract, None, seconds=0.3)


class Course:
    """Histories between faults.

    :param place: where the server is
    :param seed: of what the clients ask for, and when faults happen
    :param folder: where a history that no order explains is kept
    """

    def __init__(self, place, seed, folder):
        self._place, self._seed, self._folder = place, seed, folder
        self.operations, self.unknown, self.histories, self.undecided = 0, 0, 0, 0

    def go(self, number, fault):
        """Let clients work, with a fault meanwhile, and check what they saw. :param number: of this stretch"""
        url = self._place.deployment.process.url
        crowds = [
            Crowd(url, "root", f"s{number}-{group}-", f"{self._seed} {number} {group}") for group in range(GROUPS)
        ]
        when = random.Random(f"{self._seed} {number}").uniform(0.1, 0.6) * GROUPS * CLIENTS * OPERATIONS
        with ThreadPoolExecutor(GROUPS) as pool:
            working = [pool.submit(crowd.work, CLIENTS, OPERATIONS) for crowd in crowds]
            wait_for(lambda: sum(len(crowd.history.operations) for crowd in crowds) >= when, "operations", 3 * HANG)
            fault(self._place)
            for work in working:
                work.result()
        for crowd in crowds:
            assert crowd.hung is None, f"no response within {HANG} s: {crowd.hung.call}. Seed: {self._seed}"
            crowd.finish()
            self._check(crowd, fault)

    def _check(self, crowd, fault):
        operations = crowd.history.operations
        self.histories += 1
        self.operations += len(operations)
        self.unknown += sum(not operation.known for operation in operations)
        try:
            violation = check(operations)
        except Undecided:
            self.undecided += 1
            return
        if violation is not None:
            kept = self._folder / "history.txt"
            kept.write_text(crowd.history.describe())
            pytest.fail(f"{violation}\nFault: {fault.__name__}. Seed: {self._seed}. The whole history: {kept}", False)


def test_an_order_explains_every_response(scenario, place, request, tmp_path):
    minutes = request.config.getoption("minutes")
    seed = request.config.getoption("seed") or (os.urandom(4).hex() if minutes else "0")
    course, causes = Course(place, seed, tmp_path), FAULTS[scenario.engine][: None if minutes else FEW]
    share = 60 * minutes / sum(one.engine == scenario.engine for one in SCENARIOS)
    begun = time.monotonic()
    for number, fault in enumerate(itertools.cycle(causes)):
        if number >= len(causes) and time.monotonic() - begun >= share:
            break
        course.go(number, fault)
    assert course.undecided <= UNDECIDED * course.histories
    assert place.deployment.complaints() == []
    print(
        f"{scenario}: {time.monotonic() - begun:.0f} s, {course.operations} operations in {course.histories} histories,"
        f" {course.unknown} of unknown result, {course.undecided} histories undecided; seed {seed}"
    )
