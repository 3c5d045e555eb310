"""Snapshots of the store: they are taken, restored and deleted by name."""

from dataclasses import replace

import pytest

from app import errors
from app.application import create_app, open_store
from tests.asgi import FLOWS, Client

SNAPSHOT, RESTORE = "/contract/snapshot", "/contract/restore"


@pytest.fixture
def client(client):
    yield client
    client.store.snapshots.discard_all()


@pytest.fixture
def client_on_each(client_on_each):
    yield client_on_each
    client_on_each.store.snapshots.discard_all()


def slugs(client):
    return [flow["slug"] for flow in client.get(FLOWS).json()["results"]]


def test_a_restore_brings_back_objects_files_and_tokens(client_on_each, make_flow):
    client = client_on_each
    kept = client.post(FLOWS, make_flow()).json()
    assert client.post(SNAPSHOT).status == 204
    for _ in range(2):
        other = client.post(FLOWS, make_flow()).json()
        client.store.tokens.add("other", superuser=True, secret="other")
        assert client.patch(f"{FLOWS}{kept['slug']}/", {"title": "changed"}).status == 200
        assert client.post(RESTORE).status == 204
        assert client.get(FLOWS).json()["results"] == [kept]
        assert client.get(f"{FLOWS}{other['slug']}/").status == 404
        assert client.store.tokens.find("other") is None
    # A snapshot replaces that of the same name.
    client.delete(f"{FLOWS}{kept['slug']}/")
    assert client.post(SNAPSHOT).status == 204
    client.post(FLOWS, make_flow())
    assert client.post(RESTORE).status == 204
    assert slugs(client) == []


def test_snapshots_with_names_do_not_replace_each_other(client_on_each, make_flow):
    client = client_on_each
    assert client.post(f"{SNAPSHOT}/empty/").status == 204
    client.post(FLOWS, make_flow(slug="one"))
    assert client.post(f"{SNAPSHOT}/one flow").status == 204
    for name, expected in (("empty", []), ("one flow", ["one"]), ("empty", [])):
        assert client.post(f"{RESTORE}/{name}/").status == 204
        assert slugs(client) == expected


@pytest.mark.parametrize("path", ["", "/", "/named", "/named/"])
def test_a_slash_at_the_end_does_not_matter(client, path):
    for method, begin in (("POST", SNAPSHOT), ("POST", RESTORE), ("DELETE", SNAPSHOT)):
        assert client(method, begin + path).status == 204


def test_a_snapshot_that_does_not_exist_can_not_be_restored(client):
    response = client.post(RESTORE)
    assert (response.status, response.json()["detail"]) == (409, "There is no snapshot 'default'. Take one first.")
    for name in ("b", "a"):
        client.post(f"{SNAPSHOT}/{name}")
    assert client.post(f"{RESTORE}/c").json()["detail"] == "There is no snapshot 'c'. There are: a, b."
    assert client("DELETE", f"{SNAPSHOT}/a").status == 204
    assert client.post(f"{RESTORE}/a").status == 409


def test_the_number_of_snapshots_is_bounded(client):
    for number in range(64):
        client.store.snapshots.take(str(number))
    response = client.post(SNAPSHOT)
    assert (response.status, response.json()["detail"]) == (409, "There are 64 snapshots. Delete one first.")
    assert client.post(f"{SNAPSHOT}/63").status == 204


@pytest.mark.parametrize("path", [SNAPSHOT, RESTORE])
@pytest.mark.parametrize("token", ["", "nope", "reader"])
def test_snapshots_are_for_superusers(client, path, token):
    client.store.tokens.add("reader", permissions=["authentik_flows.view_flow"], secret="reader")
    assert client.post(path, token=token).status == 403


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"database_url": "sqlite://"}, "Snapshots are of a store in a file or on a server, and this store is memory."),
        ({"workers": 2}, "Snapshots are for one worker, and FLOWS_WORKERS is 2."),
    ],
)
def test_a_store_that_can_not_be_copied_says_why(settings, contract, given, reason):
    store = open_store(changed := replace(settings, **given), contract)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    response = Client(create_app(changed, contract=contract, store=store), "root").post(SNAPSHOT)
    assert (response.status, response.json()["detail"]) == (409, reason)
    store.close()


def test_a_database_that_is_away_is_503(client, monkeypatch):
    def away(_secret):
        raise errors.Unavailable("gone")

    monkeypatch.setattr(client.store.tokens, "find", away)
    response = client.post(SNAPSHOT)
    assert (response.status, response.json()) == (503, {"detail": "The database is not available."})
    assert response.headers["retry-after"] == "1"
