"""A server under four fifths of the load that it can take, while something goes wrong every few seconds.

`make test` lets each fault happen once; `make soak` goes on for a quarter of an hour.
"""

import contextlib
import itertools
import statistics
import threading
import time
from collections import defaultdict

import psycopg
import pytest

from app.application import open_store
from app.settings import Settings
from tests import postgresql
from tests.endurance import faults
from tests.endurance.deployment import Deployment
from tests.endurance.load import Load
from tests.serving import wait_for

pytestmark = pytest.mark.alone(reason="the load is a share of the most that the machine takes")

# Of the peak.
SHARE = 0.8
# Bytes that all processes of a server may take more in the last third of a stretch than in its first: when workers are replaced
# meanwhile, and when none is.
YOUNG, GROWN = 40_000_000, 8_000_000
# Handles and threads that may be there more: some are so for a moment only.
MOMENTARY = 20


@pytest.fixture
def minutes(request):
    """How long to go on; 0 for each fault once."""
    return request.config.getoption("minutes")


@pytest.fixture
def place(engine, start, run, contract, minutes, tmp_path):
    """A server that faults happen to."""
    database, url = None, f"sqlite:///{tmp_path}/flows.sqlite3"
    if engine == "postgresql":
        database = postgresql.start(tmp_path / "postgresql")
        with psycopg.connect(database.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE endured")
        url = database.get_uri("endured")
    with contextlib.closing(open_store(Settings(database_url=url), contract)) as store:
        store.migrate()
    yield faults.Place(Deployment(start, run, url, tmp_path), contract, database, seconds=2 if minutes else 0.2)
    if database is not None:
        database.cleanup()


class Course:
    """What a server goes through under load.

    :param place: where the server is
    :param load: the load on it
    :param every: seconds from one fault to the next
    """

    def __init__(self, place, load, every):
        self._place, self._load, self._every = place, load, every
        # How long each fault took, and how much later writes were acknowledged, by the fault's name.
        self.times = defaultdict(list)

    def stretch(self, causes, seconds):
        """Let faults happen until they are through, or the time is. :returns: footprints, one before each"""
        footprints, begun = [], time.monotonic()
        for number, cause in enumerate(causes, 1):
            if time.monotonic() - begun >= seconds:
                break
            due = begun + number * self._every
            # At first the clients catch up.
            threading.Event().wait((due - time.monotonic()) / 2)
            self._load.quiet = True
            threading.Event().wait(due - time.monotonic())
            footprints.append(self._place.deployment.footprint())
            self._load.quiet = False
            self._cause(cause)
        return footprints

    def _cause(self, cause):
        unanswered, begun = self._load.statuses[None], time.monotonic()
        cause(self._place)
        over, acknowledged = time.monotonic(), self._load.acknowledged
        wait_for(lambda: self._load.acknowledged > acknowledged, f"the recovery from {cause.__name__}")
        self.times[cause.__name__].append((over - begun, time.monotonic() - over))
        self._load.check()
        if cause not in faults.DEADLY:
            assert self._load.statuses[None] == unanswered, cause


def assert_flat(footprints, growth):
    """Assert that a server did not take more and more.

    :param footprints: one before each fault
    :param growth: bytes that it may take more in the last third than in the first
    """
    third = max(1, len(footprints) // 3)

    def medians(of):
        values = [getattr(footprint, of) for footprint in footprints]
        return statistics.median(values[:third]), statistics.median(values[-third:])

    for of, most in (("memory", growth), ("handles", MOMENTARY), ("threads", MOMENTARY)):
        first, last = medians(of)
        print(f"  {of}: {first:,.0f} at first, {last:,.0f} at last")
        assert last - first < most, of


def test_nothing_is_lost_and_nothing_grows(place, engine, minutes):
    seconds, every, looking = (60 * minutes, 20, 10) if minutes else (60, 0.4, 0.8)
    with Load(place.deployment.process.url, "root") as load:
        load.peak(looking)
        peak = load.peak(looking)
        load.pace.set(SHARE * peak)
        begun, before = time.monotonic(), load.asked
        course = Course(place, load, every)
        if minutes:
            young = course.stretch(itertools.cycle(faults.rotation(engine)), seconds / 2)
            # These workers live to the end: what grows with what they do shows.
            grown = course.stretch(itertools.cycle(faults.LASTING[engine]), seconds / 2)
        else:
            young, grown = course.stretch(faults.rotation(engine), seconds), []
        took = time.monotonic() - begun
        rate = (load.asked - before) / took
    load.check()
    assert load.statuses.keys() <= {200, 201, 204, 404, 503, None}
    assert place.deployment.complaints() == []
    within = statistics.quantiles(load.latencies, n=100)
    print(
        f"{engine}: {took / 60:.1f} minutes, {load.asked} requests; {rate:.0f}/s, {rate / peak:.0%} of the peak;"
        f" without faults half within {1000 * within[49]:.0f} ms, 99 % within {1000 * within[98]:.0f} ms"
    )
    for name, times in course.times.items():
        took, later = zip(*times, strict=True)
        print(
            f"  {name}: {len(times)} times, for {statistics.median(took):.2f} s, at most {max(took):.2f} s;"
            f" writes at most {max(later):.2f} s later"
        )
    print(
        f"  {load.acknowledged} writes acknowledged, 0 lost; {load.statuses[None]} requests without an answer,"
        f" {load.statuses[503]} with 503, {load.statuses[404]} with 404, none with another error"
    )
    assert_flat(young, YOUNG)
    if grown:
        # At first their memories fill.
        assert_flat(grown[len(grown) // 4 :], GROWN)
