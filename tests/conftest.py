"""What every test may ask for: a store on each engine, an application, a client."""

import contextlib
import dataclasses
import gc
import itertools
import os
import tempfile
from pathlib import Path

import hypothesis
import psutil
import psycopg
import pytest
import sqlalchemy as sa

from app import logs
from app.application import create_app, load_contract, open_store
from app.settings import Settings
from app.store.schema.tables import files, flows, mails, objects, sessions, tokens
from tests import postgresql
from tests.asgi import Client
from tests.contract_files import copied, load, replaced, shipped
from tests.examples import Examples

logs.configure("error", "json")

# Files of tests are kept in memory if it has room for them, unless `TMPDIR` is set: on a disk each commit takes milliseconds.
_MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and _MEMORY.is_dir():
    _usage = os.statvfs(_MEMORY)
    if _usage.f_bavail * _usage.f_frsize > 2 * 2**30 and not _usage.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None

# What servers cache is no business of the user that runs the tests.
_cache = tempfile.TemporaryDirectory(prefix="flows-cache-")
os.environ["XDG_CACHE_HOME"] = _cache.name

# The same examples in each run, however busy the machine is.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")

_numbers = itertools.count()

# Bytes that memory may grow by until garbage is collected.
_GROWTH = 200 * 2**20
_process = psutil.Process()
_collected_at = 0


def pytest_collection_finish():
    """Let the garbage collector pass over what lives to the end, modules and tests, and run less often.

    To load a contract makes a million objects, of which next to none are garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown():
    """Collect garbage when memory has grown: contracts are large and in cycles, and the collector counts objects only."""
    global _collected_at
    if _process.memory_info().rss > _collected_at + _GROWTH:
        gc.collect()
        _collected_at = _process.memory_info().rss


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=2, help="how often the tests of faults cause each")
    parser.addoption(
        "--minutes", type=float, default=0, help="how long tests of endurance take; 0 for their short form"
    )
    parser.addoption("--all-clients", action="store_true", help="run the clients of all releases")
    parser.addoption("--pairs", type=int, default=0, help="objects of each kind that all versions read and change")
    parser.addoption("--seed", default="", help="what the tests of linearizability choose their operations by")


@pytest.fixture(scope="session")
def rounds(request):
    """How often to cause a fault."""
    return request.config.getoption("rounds")


@pytest.fixture(scope="session")
def contract():
    return shipped()


@pytest.fixture(scope="session")
def postgresql_url():
    """A PostgreSQL server of this test run, from its package; gives the URL of its `postgres` database."""
    # Not in pytest's folder: it runs as another user, whom each further run of pytest shuts out of there.
    with tempfile.TemporaryDirectory(prefix="flows-postgresql-") as folder:
        server = postgresql.start(Path(folder, "data"))
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # It is never restarted.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], scope="session")
def engine(request):
    """The name of the database engine; a test that asks for it runs on each."""
    return request.param


@pytest.fixture
def database_url(engine, tmp_path, request):
    """The URL of an empty database."""
    yield from database_at(engine, tmp_path, request)


def database_at(engine, folder, request):
    """The URL of an empty database, dropped at the end. :param folder: where an embedded one lies"""
    if engine == "sqlite":
        yield f"sqlite:///{folder}/flows.sqlite3"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"flows_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path):
    """Settings with an embedded store of the test's own, and tokens that are never remembered."""
    return Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_cache=0.0)


@contextlib.contextmanager
def application(url, contract, **given):
    """A store of a contract and an application on it. :param url: a database"""
    settings = Settings(database_url=url, token_cache=0.0, **given)
    store = open_store(settings, contract)
    store.migrate()
    yield store, create_app(settings, contract=contract, store=store)
    store.close()


@pytest.fixture(scope="session")
def shared(contract, tmp_path_factory):
    """A store on SQLite and an application on it, made once."""
    with application(f"sqlite:///{tmp_path_factory.mktemp('store')}/flows.sqlite3", contract) as made:
        yield made


@pytest.fixture(scope="session")
def shared_on_each(engine, contract, tmp_path_factory, request):
    """A store on each engine and an application on it, made once."""
    for url in database_at(engine, tmp_path_factory.mktemp("store"), request):
        with application(url, contract) as made:
            yield made


def emptied(store):
    """A store without anything in it."""
    with store.database.write() as session:
        # What binds flows and objects goes with them.
        for table in (sessions, flows, objects, files, tokens, mails):
            session.run(store.database.compile(sa.delete(table)))
    return store


@pytest.fixture
def store(shared):
    """An empty store on SQLite."""
    return emptied(shared[0])


@pytest.fixture
def client(shared, store):
    """A client of an application on an empty store, with a superuser's token."""
    return client_of(*shared)


@pytest.fixture
def client_on_each(shared_on_each):
    """A client of an application on an empty store on each engine, with a superuser's token."""
    return client_of(*shared_on_each)


@pytest.fixture
def examples(client_on_each):
    """Objects made from the contract's examples, in an application on each engine."""
    return Examples(shipped(), client_on_each)


def client_of(store, app):
    """A client of an application, with a superuser's token, after its store was emptied. Its `store` is the store."""
    emptied(store)
    store.tokens.add("root", superuser=True, secret="root")
    client = Client(app, "root")
    client.store = store
    return client


@pytest.fixture
def edited(settings, tmp_path):
    """Makes a client of an application on a copy of the contract with some text replaced."""
    stores = []

    def edit(*replacements, served_by=None):
        path = copied(tmp_path / f"contract-{next(_numbers)}")
        for old, new in replacements:
            replaced(path, old, new)
        changed = dataclasses.replace(settings, contract=path)
        # Handlers are checked against what is edited.
        contract = load_contract(changed, served_by) if replacements and served_by else load(path)
        store = open_store(changed, contract)
        stores.append(store)
        store.migrate()
        if not store.tokens.any():
            store.tokens.add("root", superuser=True, secret="root")
        app = create_app(changed, contract=contract, store=store, served_by=served_by)
        client = Client(app, "root")
        client.store = store
        return client

    yield edit
    for store in stores:
        store.close()


@pytest.fixture
def make_flow():
    """Members of a new flow, as a valid body has them."""

    def make(**properties):
        number = next(_numbers)
        return {
            "name": f"Flow {number}",
            "slug": f"flow-{number}",
            "title": "Title",
            "designation": "authentication",
        } | properties

    return make
