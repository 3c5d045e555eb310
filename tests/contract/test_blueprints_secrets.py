"""Blueprints that set passwords of users and keys of tokens, which nothing shows afterwards."""

import json

import pytest

from app import passwords
from app.blueprints.importing import apply
from app.store.queries.people import USERS
from tests.forms import form

USER, TOKEN = "authentik_core.user", "authentik_core.token"
PASSWORD, OTHER = "correct horse", "battery staple"
KEY, OTHER_KEY = "a-key-of-a-blueprint", "another-key"
IMPORT, ME = "/api/v3/flows/instances/import/", "/api/v3/core/users/me/"


def user(**attrs):
    return {"model": USER, "id": "anna", "identifiers": {"username": "anna"}, "attrs": {"name": "Anna", **attrs}}


def token(**attrs):
    return {"model": TOKEN, "identifiers": {"identifier": "of-anna"}, "attrs": {"intent": "api", **attrs}}


def applied(store, *entries, **options):
    """What becomes of entries."""
    outcome = apply(store, json.dumps({"entries": entries}).encode(), **options)
    assert PASSWORD not in str(outcome)
    assert KEY not in str(outcome)
    assert outcome.success, outcome.findings
    assert not outcome.notes
    return [log["attributes"]["action"] for log in outcome.logs]


def said(store, *entries, **options):
    return [str(one) for one in apply(store, json.dumps({"entries": entries}).encode(), **options).findings]


@pytest.fixture
def client(client_on_each):
    return client_on_each


@pytest.fixture
def store(client_on_each):
    return client_on_each.store


@pytest.fixture
def anna(client):
    """Reads what is stored of the user: the pk, and the hash of the password."""

    def stored():
        (found,) = client.get("/api/v3/core/users/", query="username=anna").json()["results"]
        return found["pk"], client.store.passwords.of(found["pk"])

    return stored


def test_a_user_gets_the_password(store, anna):
    assert applied(store, user(password=PASSWORD)) == ["created"]
    _, first = anna()
    assert passwords.matches(PASSWORD, first)
    assert applied(store, user(password=PASSWORD)) == ["unchanged"]
    assert anna()[1] == first
    assert applied(store, user(password=OTHER)) == ["updated"]
    assert passwords.matches(OTHER, anna()[1])


@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_password_is_none(store, anna, blank):
    assert applied(store, user(password=blank)) == ["created"]
    assert anna()[1] is None
    assert applied(store, user(password=PASSWORD)) == ["updated"]
    assert applied(store, user(password=blank)) == ["unchanged"]
    assert passwords.matches(PASSWORD, anna()[1])


def test_another_password_ends_the_sessions_of_the_user(store, anna, monkeypatch):
    ended = []
    applied(store, user(password=PASSWORD))
    monkeypatch.setattr(store.sessions, "end", lambda session, key: ended.append(key))
    applied(store, user(password=PASSWORD, name="Anna B."))
    assert not ended
    applied(store, user(password=OTHER))
    assert ended == [str(store.objects.get(USERS, anna()[0]).pk)]


def test_a_user_who_exists_already_is_left_alone_by_the_state_created(store, anna):
    applied(store, user(password=PASSWORD))
    assert applied(store, {**user(password=OTHER), "state": "created"}) == ["unchanged"]
    assert passwords.matches(PASSWORD, anna()[1])


@pytest.mark.parametrize("wrong", ["a\0b", "x" * 501, 7, ["x"]])
@pytest.mark.parametrize("exists", [True, False])
def test_a_password_that_the_operation_refuses_is_refused(client, store, anna, wrong, exists):
    applied(store, user() if exists else {**user(), "identifiers": {"username": "ben"}})
    key = client.get("/api/v3/core/users/", query="ordering=-pk").json()["results"][0]["pk"]
    refused = client.post(f"/api/v3/core/users/{key}/set_password/", {"password": wrong})
    (finding,) = said(store, user(password=wrong))
    assert refused.status == 400
    assert finding.endswith(f": password: {refused.json()['password'][0]}")


def test_to_set_a_password_takes_the_permission_of_the_operation(client, store, anna):
    apart = {"authentik_core.reset_user_password"}
    every = {one for one in store_permissions(client) if one not in apart}
    (finding,) = said(store, user(password=PASSWORD), may=every.__contains__)
    assert (
        "To set the password of authentik_core.user requires the permission authentik_core.reset_user_password"
        in finding
    )
    assert applied(store, user(), may=every.__contains__) == ["created"]
    assert said(store, user(password=PASSWORD), may=every.__contains__) == [finding]
    assert applied(store, user(password=PASSWORD), may=(every | apart).__contains__) == ["updated"]


def store_permissions(client):
    return client.get("/api/v3/schema/", query="format=json").json()["x-permissions"]


def test_a_password_identifies_nobody_and_is_found_nowhere(client, store):
    applied(store, user(password=PASSWORD))
    entry = {"model": USER, "identifiers": {"password": PASSWORD}}
    assert "has no such property" in said(store, entry)[0]
    name = f"!AtIndex [!FindObject [{USER}, [username, anna]], password, none]"
    text = f"entries: [{{model: {USER}, identifiers: {{username: ben}}, attrs: {{name: {name}}}}}]"
    assert apply(store, text.encode()).success
    assert client.get("/api/v3/core/users/", query="username=ben").json()["results"][0]["name"] == "none"


def test_a_token_gets_the_key(client, store):
    entries = user(), token(key=KEY, user=client.get(ME).json()["user"]["pk"])
    assert applied(store, *entries) == ["created", "created"]
    assert client.get(ME, token=KEY).status == 200
    assert applied(store, *entries) == ["unchanged", "unchanged"]
    assert applied(store, token(key=OTHER_KEY)) == ["updated"]
    assert [client.get(ME, token=one).status for one in (KEY, OTHER_KEY)] == [403, 200]


def test_the_key_of_another_token_is_taken(client, store):
    pk = client.get(ME).json()["user"]["pk"]
    other = {**token(key=KEY, user=pk), "identifiers": {"identifier": "other"}}
    assert applied(store, token(key=KEY, user=pk)) == ["created"]
    (finding,) = said(store, other)
    assert finding.endswith(": key: Token with this key already exists.")


def test_an_upload_sets_passwords(client, anna):
    text = json.dumps({"entries": [user(password=PASSWORD)]}).encode()
    body, headers = form(file=("blueprint.yaml", "application/yaml", text))
    response = client.post(IMPORT, body=body, headers=headers)
    assert response.json()["success"]
    assert PASSWORD.encode() not in response.body
    assert passwords.matches(PASSWORD, anna()[1])
