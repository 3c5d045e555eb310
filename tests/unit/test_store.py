"""The store on each engine, without HTTP."""

import asyncio
import contextlib
import itertools
import sqlite3
import threading
import uuid

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import determinism, errors
from app.domain import SortKey
from app.store import Store
from app.store.collections.flows import flow_fields
from app.store.collections.identity import new_uuid
from app.store.engine import row_cache as cached
from app.store.engine.engines import SQLITE_LOG_LIMIT
from app.store.queries.listing import PageRequest
from app.store.schema.search import fold
from app.store.schema.tables import flows, metadata
from app.store.upkeep import migration

SEARCHED = {"flows": ("name", "slug", "designation", "title", "denied_action")}
BY_SLUG = (SortKey("slug", descending=False),)
_numbers = itertools.count()


def properties(**given_members):
    number = next(_numbers)
    return {
        "name": f"Name {number}", "slug": f"slug-{number:05}", "title": "Title", "designation": "recovery",
        "background": "/b", "policy_engine_mode": "any", "compatibility_mode": False, "layout": "stacked",
        "denied_action": "message", "authentication": "none",
    } | given_members  # fmt: skip


@pytest.fixture
def kept(database_url):
    """A migrated, empty store on each engine."""
    store = Store(database_url, searched=SEARCHED)
    store.migrate()
    yield store
    store.close()


def slugs(store, filters=None, terms=(), ordering=BY_SLUG, number=1, size=1000):
    return [flow.slug for flow in store.flows.page(PageRequest(filters or {}, terms, ordering, number, size)).rows]


def test_what_is_added_is_read_back(kept):
    added = kept.flows.add(properties(name="Ångström \U0001f600 '\"\\ %s {0}", compatibility_mode=True))
    assert kept.flows.get(added.slug) == added
    assert added.compatibility_mode is True
    assert kept.flows.page(PageRequest({}, (), BY_SLUG, 1, 10)).rows == [added]


def test_a_slug_is_taken_once(kept):
    first, second = kept.flows.add(properties(slug="a")), kept.flows.add(properties(slug="b"))
    with pytest.raises(errors.NotUnique) as caught:
        kept.flows.add(properties(slug="a"))
    assert caught.value.property_name == "slug"
    with pytest.raises(errors.NotUnique):
        kept.flows.change("b", {"slug": "a"})
    assert kept.flows.get("a") == first
    assert kept.flows.get("b") == second
    assert kept.flows.taken("slug", "a", None)
    assert not kept.flows.taken("slug", "a", "a")
    assert not kept.flows.taken("slug", "A", None)


def test_a_change_keeps_all_else_and_a_removal_is_final(kept):
    added = kept.flows.add(properties(slug="a"))
    assert kept.flows.change("a", {}) == added
    changed = kept.flows.change("a", {"slug": "b", "compatibility_mode": True})
    assert changed == added._replace(slug="b", compatibility_mode=True)
    for do in (kept.flows.get, kept.flows.remove, lambda slug: kept.flows.change(slug, {"name": "x"})):
        with pytest.raises(errors.NotFound):
            do("a")
    kept.flows.remove("b")
    assert slugs(kept) == []


# In an embedded store nothing can come between.
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_change_of_what_is_searched_sees_the_one_that_came_between(kept, database_url, monkeypatch):
    kept.flows.add(properties(slug="a", name="first", title="first"))
    original, between = kept.flows._look, [{"name": "second"}]
    other = Store(database_url, searched=SEARCHED)

    def look(*arguments):
        seen = original(*arguments)
        if between:
            other.flows.change("a", between.pop())
        return seen

    monkeypatch.setattr(kept.flows, "_look", look)
    changed = kept.flows.change("a", {"title": "third"})
    assert (changed.name, changed.title) == ("second", "third")
    assert slugs(kept, terms=("second", "third")) == ["a"]
    assert slugs(kept, terms=("first",)) == []
    other.close()


# An embedded store lets one after the other write anyway.
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_threads_that_change_one_flow_take_turns(kept, monkeypatch):
    kept.flows.add(properties(slug="a", name="first"))
    locked = []
    original = kept.database.write
    monkeypatch.setattr(kept.database, "write", lambda: locked.append(1) or original())
    start = threading.Barrier(4)

    def change(number):
        start.wait()
        for turn in range(25):
            kept.flows.change("a", {"title": f"{number}-{turn}"})

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.flows.get("a").title in {f"{number}-24" for number in range(4)}
    # What one has seen held when the next began.
    assert locked == []


def test_what_was_seen_of_a_flow_need_not_hold_at_its_next_change(kept, database_url):
    other = Store(database_url, searched=SEARCHED)
    kept.flows.add(properties(slug="a", name="first"))
    kept.flows.change("a", {"title": "1"})
    other.flows.change("a", {"name": "second"})
    changed = kept.flows.change("a", {"title": "2"})
    assert (changed.name, slugs(kept, terms=("second", "2")), slugs(kept, terms=("first",))) == ("second", ["a"], [])
    other.flows.change("a", {"background": "/other"})
    assert kept.flows.change("a", {"title": "3"}) == changed._replace(title="3", background="/other")
    # Its slug is another one's now.
    other.flows.change("a", {"slug": "b"})
    other.flows.add(properties(slug="a", name="third"))
    assert kept.flows.change("a", {"title": "4"}).name == "third"
    assert kept.flows.get("b").title == "3"
    with pytest.raises(errors.NotFound):
        kept.flows.change("a", {"title": "5"}, {"name": "second"})
    other.flows.remove("a")
    with pytest.raises(errors.NotFound):
        kept.flows.change("a", {"title": "5"})
    other.close()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_is_seen_of_flows_is_bounded(kept, monkeypatch):
    monkeypatch.setattr(cached, "_MOST", 2)
    for slug in ("a", "b", "c", "d"):
        kept.flows.add(properties(slug=slug))
        kept.flows.change(slug, {"title": "T" * (2000 if slug == "d" else 1)})
    assert set(kept.flows._seen._rows) == {"c"}


@pytest.mark.parametrize("grouped", [True, False])
def test_nothing_comes_between_in_an_embedded_store(tmp_path, monkeypatch, grouped):
    store = Store(f"sqlite:///{tmp_path}/flows.sqlite3", searched=SEARCHED)
    store.migrate()
    store.flows.add(properties(slug="a", name="first", title="first"))
    if grouped:
        store.database.scheduling()
    others, original = [], store.flows._get

    def get(*arguments, **options):
        flow = original(*arguments, **options)
        with (
            contextlib.closing(sqlite3.connect(tmp_path / "flows.sqlite3", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("UPDATE flows SET name = 'second'")
        others.append(flow)
        return flow

    async def change():
        changed = store.flows.change("a", {"title": "third"})
        if grouped:
            await store.database.pending_commit()
        return changed

    monkeypatch.setattr(store.flows, "_get", get)
    changed = asyncio.run(change())
    assert (changed.name, changed.title, len(others)) == ("first", "third", 1)
    monkeypatch.undo()
    assert store.flows.get("a") == changed
    store.close()


def test_an_event_loop_asks_once_in_a_turn_what_others_have_changed(tmp_path):
    path = tmp_path / "flows.sqlite3"
    store = Store(f"sqlite:///{path}", searched=SEARCHED)
    store.migrate()
    store.flows.add(properties(slug="a"))
    store.database.scheduling()
    asked = []

    async def turns():
        with store.database.read() as session:
            session._connection.set_trace_callback(lambda sql: "data_version" in sql and asked.append(sql))
        versions = [store.database.version() for _ in range(3)]
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE flows SET name = 'second'")
        versions.append(store.database.version())
        assert len(asked) == 1
        await asyncio.sleep(0)
        versions += [store.database.version() for _ in range(2)]
        assert len(asked) == 2
        store.flows.change("a", {"title": "third"})
        assert store.database.version() is None
        await store.database.pending_commit()
        return [*versions, store.database.version()]

    first, *same, second, still, third = asyncio.run(turns())
    assert set(same) == {first}
    assert second == still
    assert len({first, second, third, store.database.version()}) == 3
    store.close()


def test_identities_are_uuids(monkeypatch):
    made = [new_uuid() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(str(parsed := uuid.UUID(text)) == text and parsed.version == 4 for text in made)
    assert {text[19] for text in made} == set("89ab")
    moments = [0, 1.5, 1732312345.678, 2**38]
    made = []
    for moment in moments:
        monkeypatch.setattr(determinism, "now", lambda moment=moment: moment)
        made.append(new_uuid())
    assert [int(text[:13].replace("-", ""), 16) for text in made] == [int(moment * 1000) for moment in moments]
    assert sorted(made) == made


def test_text_sorts_by_code_point(kept):
    names = ["b", "B", "_", "-", "0", "Å", "a", "é", "\U0001f600", "Z"]
    for name in names:
        kept.flows.add(properties(name=name))
    found = kept.flows.page(PageRequest({}, (), (SortKey("name", descending=False),), 1, 100))
    assert [flow.name for flow in found.rows] == sorted(names)
    found = kept.flows.page(PageRequest({}, (), (SortKey("name", descending=True),), 1, 100))
    assert [flow.name for flow in found.rows] == sorted(names, reverse=True)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("property_name", sorted(flow_fields()))
def test_pages_of_any_order_partition_the_flows(kept, property_name, descending):
    for number in range(7):
        kept.flows.add(properties(title=f"T{number % 2}", compatibility_mode=number % 2 == 0))
    ordering = (SortKey(property_name, descending=descending),)
    pages = [slugs(kept, ordering=ordering, number=number, size=3) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(itertools.chain(*pages)) == slugs(kept)
    with pytest.raises(errors.PageNotFound):
        slugs(kept, ordering=ordering, number=4, size=3)


def test_numbers_too_large_for_a_database(kept):
    kept.flows.add(properties(slug="a"))
    assert slugs(kept, size=10**40) == ["a"]
    for number in (2, 2**31, 2**63, 10**40):
        with pytest.raises(errors.PageNotFound):
            slugs(kept, number=number, size=10)


def test_filters_combine_and_are_exact(kept):
    kept.flows.add(properties(slug="a", name="N", designation="recovery"))
    kept.flows.add(properties(slug="b", name="N", designation="enrollment"))
    assert slugs(kept, {"name": "N"}) == ["a", "b"]
    assert slugs(kept, {"name": "N", "designation": "recovery"}) == ["a"]
    assert slugs(kept, {"name": "n"}) == []
    assert kept.flows.get("a", {"slug": "a"}).slug == "a"
    with pytest.raises(errors.NotFound):
        kept.flows.get("a", {"slug": "b"})


def test_search_takes_every_word_and_any_number_of_them(kept):
    kept.flows.add(properties(slug="a", name="Straße", title="One 100% _two_"))
    kept.flows.add(properties(slug="b", name="Other", title="One"))
    assert slugs(kept, terms=("one", "100%", "_TWO_", "straße")) == ["a"]
    assert slugs(kept, terms=("strasse",)) == []
    assert slugs(kept, terms=["one"] * 9) == ["a", "b"]
    assert slugs(kept, terms=[*["one"] * 20, "100%"]) == ["a"]
    assert slugs(kept, terms=[f"w{n}" for n in range(3000)]) == []


@given(st.text(), st.text())
def test_folding_keeps_the_length_so_that_substrings_stay_substrings(text, other):
    assert len(fold(text)) == len(text)
    assert fold(other) in fold(text + other)
    assert fold(fold(text)) == fold(text)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.sampled_from(["a", "b", "B", "é", "ab"]), max_size=12),
    size=st.integers(1, 6),
    term=st.sampled_from(["", "A", "b", "É"]),
    descending=st.booleans(),
)
def test_pages_are_the_sorted_matches_cut_in_pieces(kept, titles, size, term, descending):
    with kept.database.write() as session:
        session.run(kept.database.compile(sa.delete(flows)))
    added = [
        kept.flows.add(properties(title=f"t{title}", name="N", denied_action="x", designation="y")) for title in titles
    ]
    wanted = [flow for flow in added if term.upper() in f"{flow.title}\n{flow.slug}".upper()]
    wanted.sort(key=lambda flow: flow.pk)
    wanted.sort(key=lambda flow: flow.title, reverse=descending)
    ordering = (SortKey("title", descending=descending),)
    got, number = [], 1
    while len(got) < len(wanted) or number == 1:
        page = kept.flows.page(PageRequest({}, (term,) if term else (), ordering, number, size))
        assert page.count == len(wanted)
        got += page.rows
        number += 1
    assert got == wanted


def test_the_migrated_tables_are_the_declared_ones(kept):
    with kept.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
        if connection.dialect.name == "sqlite":
            # SQLAlchemy reads no name and no action of a foreign key that is part of a column.
            differences = [one for one in differences if one[0] not in ("remove_fk", "add_fk")]
            for table in metadata.tables.values():
                keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({table.name})").all()
                assert {(key[3], key[2], key[4], key[6]) for key in keys} == {
                    (one.parent.name, one.column.table.name, one.column.name, one.ondelete or "NO ACTION")
                    for one in table.foreign_keys
                }
        assert differences == []
    assert migration.current(kept.database) == migration.HEAD
    kept.migrate()
    assert ScriptDirectory.from_config(migration.configuration()).get_current_head() == migration.HEAD


def test_servers_that_start_together_migrate_once(database_url):
    problems = []

    def start():
        store = Store(database_url, searched=SEARCHED)
        try:
            store.migrate()
        except Exception as error:
            problems.append(error)
        store.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    store = Store(database_url, searched=SEARCHED)
    assert store.migrated()
    store.close()


def test_search_follows_the_members_that_are_searched(database_url):
    store = Store(database_url, searched=SEARCHED)
    store.migrate()
    store.flows.add(properties(slug="a", name="findable"))
    store.close()
    for searched, found in ((("title",), []), (("title", "name"), ["a"])):
        store = Store(database_url, searched={"flows": searched})
        store.migrate()
        assert slugs(store, terms=("findable",)) == found
        store.close()


def test_tokens_expire_and_are_revoked(kept):
    secret = kept.tokens.add("a", permissions=["p", "q"])
    assert kept.tokens.find(secret).permissions == {"p", "q"}
    assert kept.tokens.find("other") is None
    kept.tokens.change("a", active=False)
    assert kept.tokens.find(secret) is None
    expired = kept.tokens.add("b", expires=1)
    assert kept.tokens.find(expired) is None
    late = kept.tokens.add("c", expires=2**40)
    assert kept.tokens.find(late).expires == 2**40
    with pytest.raises(errors.NotUnique):
        kept.tokens.add("a")
    assert [token.name for token in kept.tokens.page()] == ["a", "b", "c"]
    kept.tokens.remove("a")
    with pytest.raises(errors.NotFound):
        kept.tokens.change("a", active=True)


def test_a_remembered_token_is_looked_up_again_after_its_time(kept, database_url, monkeypatch):
    remembering = Store(database_url, searched=SEARCHED, token_cache=1.0)
    secret = kept.tokens.add("a", superuser=True)
    clock = [100.0]
    monkeypatch.setattr("app.store.collections.tokens.time.monotonic", lambda: clock[0])
    assert remembering.tokens.find(secret)
    kept.tokens.change("a", active=False)
    clock[0] += 0.99
    assert remembering.tokens.find(secret)
    clock[0] += 0.02
    assert remembering.tokens.find(secret) is None
    remembering.close()


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/nothing/x.sqlite3", "sqlite:////proc", "postgresql://nobody@127.0.0.1:1/x"]
)
def test_a_database_that_does_not_answer_is_unavailable(url):
    with pytest.raises(errors.Unavailable):
        Store(url, searched=SEARCHED).migrate()


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "flows.sqlite3"
    path.write_bytes(b"something else" * 500)
    store = Store(f"sqlite:///{path}", searched=SEARCHED)
    with pytest.raises(errors.Damaged, match="not a database"):
        store.migrate()
    assert path.read_bytes() == b"something else" * 500


@pytest.mark.parametrize("url", ["mysql://a@b/c", "nothing", "sqlite"])
def test_a_database_of_another_kind_is_refused(url):
    with pytest.raises(ValueError, match="sqlite"):
        Store(url, searched=SEARCHED)


@pytest.mark.postgresql
def test_connections_that_were_cut_are_replaced(postgresql_url):
    name = f"cut_{next(_numbers)}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        store = Store(postgresql_url.replace("/postgres?", f"/{name}?"), searched=SEARCHED)
        store.migrate()
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(store.database.read())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        with pytest.raises(errors.Unavailable):
            store.flows.page(PageRequest({}, (), BY_SLUG, 1, 1))
        assert [store.flows.page(PageRequest({}, (), BY_SLUG, 1, 1)).count for _ in range(6)] == [0] * 6
    store.close()


def test_a_writer_waits_for_another_and_loses_nothing(kept):
    kept.flows.add(properties(slug="a", title=""))
    problems = []

    def write(number):
        try:
            for step in range(20):
                kept.flows.add(properties(slug=f"w{number}-{step}"))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert len(slugs(kept)) == 81


def test_a_thread_keeps_its_connection_until_the_server_is_gone(postgresql_url):
    name = f"kept_{next(_numbers)}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        store = Store(postgresql_url.replace("/postgres?", f"/{name}?"), searched=SEARCHED, pool_size=3)
        store.migrate()
        count, prepare = store.database.workers()
        assert count == 2
        backends = sa.text("SELECT pg_backend_pid()")
        problems, met, cut = [], threading.Barrier(3), threading.Event()

        def work():
            try:
                prepare()

                def backend():
                    with store.database.read() as session:
                        return session.row(store.database.compile(backends))[0]

                before = backend()
                assert backend() == before
                met.wait(20)
                cut.wait(20)
                # Whoever notices first says so to the other one; a write that was not carried out is not tried again.
                with contextlib.suppress(errors.Unavailable):
                    backend()
                met.wait(20)
                assert backend() != before
            except Exception as error:
                problems.append(error)

        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        met.wait(20)
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        cut.set()
        met.wait(20)
        for thread in threads:
            thread.join(20)
        assert problems == []
        store.close()


def test_the_log_shrinks_after_a_long_reader(tmp_path):
    path = tmp_path / "flows.sqlite3"
    store = Store(f"sqlite:///{path}", searched=SEARCHED)
    store.migrate()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM flows").fetchone()
        text = "x" * (SQLITE_LOG_LIMIT // 4)
        for number in range(8):
            store.flows.add(properties(slug=str(number), title=text))
        log = tmp_path / "flows.sqlite3-wal"
        assert log.stat().st_size > 2 * SQLITE_LOG_LIMIT
        reader.execute("COMMIT")
    for number in range(2):
        store.flows.change("0", {"title": str(number)})
    assert log.stat().st_size <= SQLITE_LOG_LIMIT
    store.close()
