"""A large store gives the same pages as a small one."""

import contextlib
import itertools
import random
import sqlite3

import pytest
import sqlalchemy as sa

from app import errors
from app.domain import SortKey
from app.store import Store
from app.store.queries import large
from app.store.queries.large.listing import FlowListing
from app.store.queries.listing import Listing, PageRequest
from app.store.schema.search import fold
from app.store.schema.tables import flows

from .test_store import SEARCHED, properties

WORDS = [
    "Aardvark",
    "journey",
    "Straße",
    "a%b_c",
    'say "hi"',
    "no",
    "\U0001f600 smile",
    "JOURNEY 12",
    "e\u0301te\u0301",
]
FILTERS = [
    {},
    {"designation": "recovery"},
    {"denied_action": "continue"},
    {"designation": "x", "denied_action": "continue"},
]
TERMS = [
    (),
    ("aardvark",),
    ("journey",),
    ("no",),
    ("straße", "name"),
    ("say", '"hi"'),
    ("b_c",),
    ("😀 s",),
    ("zebra",),
    ("n",),
]
ORDERINGS = [(), (SortKey("slug", descending=False),), (SortKey("title", descending=True),)]


@pytest.fixture
def prepared(database_url, monkeypatch):
    """A store that takes itself for large."""
    store = take_for_large(Store(database_url, searched=SEARCHED), monkeypatch)
    yield store
    store.close()


def take_for_large(store, monkeypatch):
    monkeypatch.setattr(large, "LARGE", 2)
    monkeypatch.setattr(large, "RARE", 3)
    monkeypatch.setattr("app.store.queries.large.listing._FAR", 0)
    store.migrate()
    for number in range(3):
        store.flows.add(properties(title=f"{WORDS[number]} first"))
    assert not large.is_prepared(store.database)
    store.migrate()
    assert large.is_prepared(store.database)
    return store


def change_at_random(store, chance, steps):
    for _ in range(steps):
        slugs = [flow.slug for flow in store.flows.page(PageRequest({}, (), (), 1, 1000)).rows]
        new = {
            "title": chance.choice(WORDS),
            "designation": chance.choice(["recovery", "x"]),
            "denied_action": chance.choice(["continue", "message"]),
        }
        kind = chance.random()
        if kind < 0.5 or len(slugs) < 4:
            store.flows.add(properties(**new))
        elif kind < 0.8:
            store.flows.change(chance.choice(slugs), new)
        elif kind < 0.9:
            with contextlib.suppress(errors.NotUnique):
                store.flows.add(properties(slug=chance.choice(slugs)))
        else:
            store.flows.remove(chance.choice(slugs))


def test_pages_are_those_of_a_small_store(prepared):
    small = Listing(prepared.database, prepared.flows.view, tuple)
    chance = random.Random(7)
    for _ in range(3):
        change_at_random(prepared, chance, 25)
        for filters in FILTERS:
            for terms in TERMS:
                for ordering in ORDERINGS:
                    for number in range(1, 20):
                        try:
                            wanted = small.page(PageRequest(filters, terms, ordering, number, 4))
                        except errors.PageNotFound:
                            with pytest.raises(errors.PageNotFound):
                                prepared.flows.page(PageRequest(filters, terms, ordering, number, 4))
                            break
                        got = prepared.flows.page(PageRequest(filters, terms, ordering, number, 4))
                        assert (got.count, [tuple(flow) for flow in got.rows]) == (wanted.count, wanted.rows)


def test_words_wait_until_those_of_many_flows_are_written(tmp_path, monkeypatch):
    store = take_for_large(Store(f"sqlite:///{tmp_path}/flows.sqlite3", searched=SEARCHED), monkeypatch)
    small, chance, waited = Listing(store.database, store.flows.view, tuple), random.Random(11), []
    waiting = store.database.compile(sa.text("SELECT count(*) FROM flow_words_waiting"))
    for _ in range(12):
        change_at_random(store, chance, 45)
        with store.database.read() as session:
            waited.append(session.row(waiting)[0])
        for terms in TERMS:
            found = store.flows.page(PageRequest({}, terms, (), 1, 1000)).rows
            assert [tuple(flow) for flow in found] == [
                tuple(row) for row in small.page(PageRequest({}, terms, (), 1, 1000)).rows
            ]
            trigrams = large.trigrams(store.database, [fold(term) for term in terms])
            if trigrams is not None:
                assert {flow.pk for flow in found} <= candidates(store, trigrams)
    assert max(waited) < 128
    assert any(later < earlier - 45 for earlier, later in itertools.pairwise(waited))
    store.close()


def test_to_write_the_words_that_wait_takes_no_longer_in_a_larger_store(tmp_path, monkeypatch):
    few, many = (instructions_of_writing_words(tmp_path / f"{size}.sqlite3", size, monkeypatch) for size in (150, 1500))
    assert many < 1.5 * few


def instructions_of_writing_words(path, size, monkeypatch):
    """How many instructions of SQLite's machine it takes to write the words of 128 flows, in a store of so many."""
    store = take_for_large(Store(f"sqlite:///{path}", searched=SEARCHED), monkeypatch)
    for _ in range(size):
        store.flows.add(properties())
    store.close()
    executed = []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM flow_words_waiting")
        connection.set_progress_handler(lambda: executed.append(1), 1)
        connection.execute("INSERT INTO flow_words_waiting SELECT id FROM flow_words_rows ORDER BY id LIMIT 128")
        connection.set_progress_handler(None, 1)
        assert connection.execute("SELECT count(*) FROM flow_words_waiting").fetchone() == (0,)
    return len(executed)


def candidates(store, trigrams):
    query = store.database.compile(sa.select(flows.c.pk).where(large.candidates(store.database)))
    with store.database.read() as session:
        return {pk for (pk,) in session.rows(query, {"trigrams": trigrams})}


def test_long_texts_are_taken_by_a_large_store(prepared):
    long = "".join(chr(0x4E00 + number % 20_000) for number in range(300_000))
    flow = prepared.flows.add(properties(title=long))
    assert [found.slug for found in prepared.flows.page(PageRequest({}, (long[1000:1040],), (), 1, 10)).rows] == [
        flow.slug
    ]


def test_a_large_store_of_before_gets_what_is_missing(database_url, monkeypatch):
    monkeypatch.setattr(large, "LARGE", 2)
    store = Store(database_url, searched=SEARCHED)
    store.migrate()
    for word in WORDS:
        store.flows.add(properties(title=word))
    scripts = large._scripts(store.database)
    monkeypatch.setattr(large, "_scripts", lambda _: scripts[:1])
    store.migrate()
    monkeypatch.setattr(large, "_scripts", lambda _: scripts)
    assert not large.is_prepared(store.database)
    assert store.flows.page(PageRequest({}, ("aardvark",), (), 1, 1)).count == 1
    monkeypatch.setattr(large, "LARGE", 1000)
    store.migrate()
    assert large.is_prepared(store.database)
    store.flows.add(properties(title="Another aardvark"))
    assert FlowListing(store.database, store.flows.view).page(PageRequest({}, ("aardvark",), (), 1, 1)).count == 2
    store.close()


def test_counts_are_known_without_looking_at_the_flows(prepared):
    change_at_random(prepared, random.Random(3), 40)
    for filters in ({}, {"designation": "recovery"}, {"designation": "nothing"}, {"denied_action": "message"}):
        query = prepared.database.compile(sa.select(large.count(filters)))
        with prepared.database.read() as session:
            known = session.row(query, {f"filter_{name}": value for name, value in filters.items()})[0]
        assert known == prepared.flows.page(PageRequest(filters, (), (), 1, 1)).count
        assert known == sum(
            all(getattr(flow, name) == value for name, value in filters.items())
            for flow in prepared.flows.page(PageRequest({}, (), (), 1, 1000)).rows
        )


def test_counts_stay_few(prepared):
    change_at_random(prepared, random.Random(5), 40)
    before = prepared.flows.page(PageRequest({}, (), (), 1, 1)).count
    rows = prepared.database.compile(sa.text("SELECT count(*) FROM flow_counts"))
    with prepared.database.read() as session:
        if prepared.database.name != "sqlite":
            # A writer does so now and then.
            session.script("SELECT flow_counts_sum_up()")
        assert session.row(rows)[0] <= 1 + 2 + len(WORDS) + 2
    assert prepared.flows.page(PageRequest({}, (), (), 1, 1)).count == before


def test_the_index_is_asked_for_what_is_rare_only(prepared, monkeypatch):
    for _ in range(6):
        prepared.flows.add(properties(title="A common journey"))
    asked = []
    original = FlowListing._compile_large

    def compile_(self, *by, **options):
        asked.append(options)
        return original(self, *by, **options)

    monkeypatch.setattr(FlowListing, "_compile_large", compile_)
    fresh = FlowListing(prepared.database, prepared.flows.view)
    assert fresh.page(PageRequest({}, ("aardvark",), (), 1, 10)).count == 1
    assert fresh.page(PageRequest({}, ("common",), (), 1, 10)).count == 6
    assert fresh.page(PageRequest({}, ("no",), (), 1, 10)).count == 0
    # The statement for the last one is that of the one before: words of two characters are in no index.
    assert asked == [{"indexed": True}, {}]


def test_a_large_store_starts_again_as_it_is(database_url, prepared):
    again = Store(database_url, searched=SEARCHED)
    again.migrate()
    assert again.flows.page(PageRequest({}, ("aardvark",), (), 1, 1)).count == 1
    again.close()
