"""The plain class of each engine is right by itself: what is there for speed changes no response."""

import pytest

from app.application import create_app, open_store
from app.settings import Settings
from app.store.collections.flows import Flows
from app.store.engine.address import address_of
from tests.asgi import FLOWS, pipelined
from tests.conftest import client_of


@pytest.fixture
def plain(contract, database_url, monkeypatch):
    """A client of an application on the plain database and the plain flows of an engine."""
    monkeypatch.setattr("app.store._flows", Flows)
    address = address_of(database_url)
    if address.engine == "sqlite":
        from app.store.engine.sqlite.database import SQLiteDatabase

        database = SQLiteDatabase(address)
    else:
        from app.store.engine.postgresql.database import PostgreSQLDatabase

        database = PostgreSQLDatabase(address, 4)
    settings = Settings(database_url=database_url, token_cache=0.0)
    store = open_store(settings, contract, database)
    store.migrate()
    yield client_of(store, create_app(settings, contract=contract, store=store))
    store.close()


def test_plain_databases_serve_flows(plain, make_flow):
    flow = make_flow()
    path = f"{FLOWS}{flow['slug']}/"
    assert plain.post(FLOWS, flow).status == 201
    assert plain.post(FLOWS, flow).json().keys() == {"slug"}
    assert plain.patch(path, {"title": "B"}).json()["title"] == "B"
    assert plain.get(path).json()["title"] == "B"
    assert [found["slug"] for found in plain.get(f"{FLOWS}?search={flow['slug']}").json()["results"]] == [flow["slug"]]
    assert plain.delete(path).status == 204
    assert [response.status for response in (plain.get(path), plain.patch(path, {"title": "C"}))] == [404, 404]


def test_plain_databases_keep_each_of_the_changes_that_arrive_together(plain, make_flow):
    flows = [make_flow() for _ in range(10)]
    assert {response.status for response in pipelined(plain, *(("POST", FLOWS, flow) for flow in flows))} == {201}
    changes = [("PATCH", f"{FLOWS}{flow['slug']}/", {"title": flow["slug"]}) for flow in flows]
    assert {response.status for response in pipelined(plain, *changes)} == {200}
    found = plain.get(f"{FLOWS}?page_size=20").json()["results"]
    assert {flow["slug"]: flow["title"] for flow in found} == {flow["slug"]: flow["slug"] for flow in flows}


def test_plain_databases_roll_back_what_a_failed_request_has_written(plain, make_flow, monkeypatch):
    flow = make_flow()
    original = Flows.add

    def add(self, properties):
        return original(self, properties)._replace(designation="nonsense")

    with monkeypatch.context() as violated:
        violated.setattr(Flows, "add", add)
        assert plain.post(FLOWS, flow).status == 500
    assert plain.get(f"{FLOWS}{flow['slug']}/").status == 404
