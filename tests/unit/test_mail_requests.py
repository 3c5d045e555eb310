"""Requests for e-mails, counted by address for some time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app import determinism
from app.store import Store
from tests.unit.test_store import SEARCHED


@pytest.fixture
def requests(database_url):
    store = Store(database_url, searched=SEARCHED)
    store.migrate()
    yield store.mail_requests
    store.close()


def test_no_more_are_counted_than_there_may_be_until_the_first_expires(requests, monkeypatch):
    moment = int(determinism.now())
    for after, wait in [(0, 0), (10, 0), (20, 40), (59, 1), (60, 0), (61, 9), (70, 0)]:
        monkeypatch.setattr(determinism, "now", lambda after=after: moment + after)
        assert requests.count("jane@example.com", "", 2, 60) == wait
    assert requests.count("john@example.com", "", 2, 60) == 0


@pytest.mark.parametrize(("most", "seconds", "waits"), [(0, 600, [600, 600]), (1, 0, [0, 0]), (1, -60, [0, 0])])
def test_none_may_be_made_and_a_request_may_count_for_no_time(requests, most, seconds, waits):
    assert [requests.count("jane@example.com", "", most, seconds) for _ in waits] == waits


def test_requests_at_the_same_time_are_all_counted(requests):
    with ThreadPoolExecutor(4) as threads:
        waits = list(threads.map(lambda _: requests.count("jane@example.com", "", 100, 600), range(20)))
    assert waits == [0] * 20
    assert requests.count("jane@example.com", "", 20, 600) > 0
