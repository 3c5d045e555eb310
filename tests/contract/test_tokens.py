"""Tokens as objects: whose they are, what they may do, and until when."""

import json

import pytest

from app import determinism
from tests.forms import form

USERS, GROUPS, TOKENS = "/api/v3/core/users/", "/api/v3/core/groups/", "/api/v3/core/tokens/"
ME, SERVICE_ACCOUNT = USERS + "me/", USERS + "service_account/"


@pytest.fixture
def client(client_on_each):
    return client_on_each


@pytest.fixture
def reader(client):
    """A token that may see users, and the user that it belongs to."""
    client.store.tokens.add("reader", permissions=["authentik_core.view_user"], secret="reader")
    return client.get(ME, token="reader").json()["user"]


@pytest.fixture
def jane(client):
    return client.post(USERS, {"username": "jane", "name": "Jane"}).json()


def created(client, identifier, **properties):
    """A new token of the caller, or of another user."""
    token = properties.pop("token", "root")
    response = client.post(TOKENS, {"identifier": identifier, **properties}, token=token)
    assert response.status == 201, response.body
    return response.json()


def identifiers(client, token="root", **query):
    """The identifiers of the tokens that are listed."""
    query = "&".join(f"{name}={value}" for name, value in query.items())
    return [each["identifier"] for each in client.get(TOKENS, query=query, token=token).json()["results"]]


def with_key(client, identifier, key):
    """Set the key of a token. :returns: the key"""
    assert client.post(f"{TOKENS}{identifier}/set_key/", {"key": key}).status == 204
    return key


def test_a_superuser_s_token_belongs_to_the_administrator(client):
    me = client.get(ME).json()["user"]
    assert (me["username"], me["is_superuser"]) == ("akadmin", True)
    assert [group["name"] for group in me["groups"]] == ["authentik Admins"]
    client.store.tokens.add("another", superuser=True, secret="another")
    assert client.get(ME, token="another").json()["user"] == me


def test_another_token_has_a_service_account_of_its_own(client, reader):
    assert (reader["username"], reader["type"], reader["is_superuser"]) == ("reader", "service_account", False)
    assert client.get(USERS, token="reader").status == 200
    assert client.get(GROUPS, token="reader").status == 403
    # Not the user who is called so already.
    client.store.tokens.add("akadmin", permissions=["authentik_core.view_user"], secret="impostor")
    impostor = client.get(ME, token="impostor").json()["user"]
    assert (impostor["is_superuser"], impostor["username"] != "akadmin") == (False, True)
    assert client.get(GROUPS, token="impostor").status == 403


def test_all_operations_on_a_token(client, jane):
    made = created(client, "one", user=jane["pk"], description="first")
    assert (made["user"], made["user_obj"], made["intent"], made["expiring"]) == (jane["pk"], jane, "api", True)
    assert client.get(f"{TOKENS}one/").json() == made
    changed = client.patch(f"{TOKENS}one/", {"identifier": "two", "expiring": False}).json()
    assert changed | {"expires": None} == made | {"identifier": "two", "expiring": False, "expires": None}
    put = client.put(f"{TOKENS}two/", {"identifier": "two", "managed": "somebody"}).json()
    assert (put["description"], put["managed"], put["user"]) == ("first", "somebody", jane["pk"])
    assert client.get(f"{TOKENS}two/used_by/").json() == []
    assert client.delete(f"{TOKENS}two/").status == 204
    for method in ("get", "delete"):
        assert getattr(client, method)(f"{TOKENS}two/").status == 404


def test_what_is_wrong_with_a_token(client, jane):
    created(client, "taken")
    for body, wrong in (
        ({"identifier": "taken"}, {"identifier": ["Token with this identifier already exists."]}),
        ({"identifier": "a", "intent": "recovery"}, {"intent": ["Invalid intent recovery"]}),
        ({"identifier": "a", "user": 10**6}, {"user": ['Invalid pk "1000000" - object does not exist.']}),
        ({}, {"identifier": ["This field is required."]}),
    ):
        rejected = client.post(TOKENS, body)
        assert (rejected.status, rejected.json()) == (400, wrong)
    rejected = client.patch(f"{TOKENS}taken/", {"user": jane["pk"]})
    assert (rejected.status, rejected.json()) == (400, {"user": ["User cannot be changed"]})
    assert client.patch(f"{TOKENS}taken/", {"identifier": "taken"}).status == 200


def test_a_key_is_set_and_never_shown(client, jane):
    created(client, "one", user=jane["pk"])
    with_key(client, "one", "janes-own-key")
    assert client.get(ME, token="janes-own-key").json()["user"]["pk"] == jane["pk"]
    shown = client.get(f"{TOKENS}one/view_key/")
    assert (shown.status, list(shown.json())) == (400, ["detail"])
    assert "janes-own-key" not in str(shown.json())
    with_key(client, "one", "another-key")
    assert client.get(ME, token="janes-own-key").status == 403
    created(client, "two")
    rejected = client.post(f"{TOKENS}two/set_key/", {"key": "another-key"})
    assert (rejected.status, rejected.json()) == (400, {"key": ["Token with this key already exists."]})
    assert client.post(f"{TOKENS}two/set_key/", {"key": "with blanks"}).status == 400


def test_tokens_of_others_are_seen_by_superusers_only(client, reader):
    created(client, "own", token="reader")
    created(client, "admins", user=client.get(ME).json()["user"]["pk"])
    assert identifiers(client, "reader") == ["own", "reader"]
    assert {"own", "reader", "admins", "root"} <= {*identifiers(client)}
    for path in ("admins/", "admins/used_by/", "admins/view_key/"):
        assert client.get(TOKENS + path, token="reader").status == 404
    assert client.patch(f"{TOKENS}admins/", {"description": "x"}, token="reader").status == 404
    assert client.post(f"{TOKENS}admins/set_key/", {"key": "x"}, token="reader").status == 404
    assert client.delete(f"{TOKENS}admins/", token="reader").status == 404


def test_a_token_of_another_user_is_made_by_superusers_only(client, reader):
    admin = client.get(ME).json()["user"]["pk"]
    assert created(client, "own", user=admin, token="reader")["user"] == reader["pk"]


def test_a_token_may_do_what_its_user_may(client, jane):
    created(client, "one", user=jane["pk"])
    key, path = with_key(client, "one", "janes-key"), f"{USERS}{jane['pk']}/"
    assert client.get(USERS, token=key).status == 403
    above = client.post(GROUPS, {"name": "above", "is_superuser": True}).json()
    below = client.post(GROUPS, {"name": "below", "parent": above["pk"]}).json()
    for groups, status in (([above["pk"]], 200), ([], 403), ([below["pk"]], 200)):
        client.patch(path, {"groups": groups})
        assert client.get(USERS, token=key).status == status
    client.patch(path, {"is_active": False})
    assert client.get(ME, token=key).json() == {"detail": "Token invalid/expired"}
    client.patch(path, {"is_active": True})
    assert client.get(ME, token=key).status == 200
    assert client.delete(path).status == 204
    assert client.get(ME, token=key).status == 403
    assert "one" not in identifiers(client)


def test_an_app_password_is_no_token_of_the_api(client, jane):
    created(client, "password", intent="app_password", user=jane["pk"])
    assert client.get(ME, token=with_key(client, "password", "app-password")).status == 403


def test_when_tokens_expire(client, monkeypatch):
    monkeypatch.setattr(determinism, "now", lambda: 1_900_000_000.0)
    late, limit, past = "2031-01-01T00:00:00Z", "2030-03-17T18:16:40Z", "2001-01-01T00:00:00Z"
    assert created(client, "api", expires=late)["expires"] == limit
    assert client.patch(f"{TOKENS}api/", {"expires": past}).json()["expires"] == limit
    assert created(client, "password", intent="app_password")["expires"] == limit
    assert created(client, "old", intent="app_password", expires=past)["expires"] == past
    assert created(client, "lasting", intent="app_password", expiring=False)["expires"] is None
    rejected = client.post(TOKENS, {"identifier": "late", "intent": "app_password", "expires": late})
    message = "Token expires exceeds maximum lifetime (2030-03-17 18:16:40+00:00 UTC)."
    assert (rejected.status, rejected.json()) == (400, {"expires": [message]})
    key = with_key(client, "api", "expiring-key")
    assert client.get(ME, token=key).status == 200
    monkeypatch.setattr(determinism, "now", lambda: 1_900_001_801.0)
    assert client.get(ME, token=key).status == 403


def test_filters_and_search_of_tokens(client, jane):
    created(client, "janes", user=jane["pk"], description="for deployment")
    created(client, "lasting", intent="app_password", expiring=False)
    assert identifiers(client, user__username="jane") == ["janes"]
    assert identifiers(client, intent="app_password") == ["lasting"]
    assert identifiers(client, search="JANE%20deploy") == ["janes"]
    assert identifiers(client, expiring="true", search="janes") == ["janes"]
    assert identifiers(client, managed="x") == []
    assert identifiers(client, expires="2001-01-01T00:00:00Z") == []
    assert identifiers(client, ordering="-identifier")[::-1] == sorted(identifiers(client))


def test_a_service_account(client):
    made = client.post(SERVICE_ACCOUNT, {"name": "robot", "create_group": True}).json()
    user = client.get(f"{USERS}{made['user_pk']}/").json()
    assert (user["username"], user["type"], user["uid"]) == ("robot", "service_account", made["user_uid"])
    assert user["groups"] == [made["group_pk"]]
    (token,) = client.get(TOKENS, query="user__username=robot").json()["results"]
    assert (token["identifier"], token["intent"]) == ("service-account-robot-password", "app_password")
    assert "group_pk" not in client.post(SERVICE_ACCOUNT, {"name": "other", "expiring": False}).json()
    assert client.get(TOKENS, query="user__username=other").json()["results"][0]["expires"] is None
    for name in ("robot", "akadmin"):
        rejected = client.post(SERVICE_ACCOUNT, {"name": name})
        assert (rejected.status, rejected.json()) == (400, {"name": ["This field must be unique."]})


def test_nothing_is_left_of_a_service_account_that_can_t_be_made(client):
    client.post(GROUPS, {"name": "robot"})
    assert client.post(SERVICE_ACCOUNT, {"name": "robot", "create_group": True}).status == 400
    assert client.get(USERS, query="username=robot").json()["pagination"]["count"] == 0


def test_settings_of_the_caller_are_an_attribute(client):
    path = f"{USERS}{client.get(ME).json()['user']['pk']}/"
    for attributes, settings in (({"settings": {"theme": "dark"}}, {"theme": "dark"}), ({"settings": 5}, {}), ({}, {})):
        client.patch(path, {"attributes": attributes})
        assert client.get(ME).json()["user"]["settings"] == settings


def test_the_administrator_s_name_does_not_get_tokens_of_superusers(client):
    """A caller that may change users or groups can take these names."""
    admin = client.get(ME).json()["user"]
    client.patch(f"{USERS}{admin['pk']}/", {"username": "renamed"})
    client.patch(f"{GROUPS}{admin['groups'][0]['pk']}/", {"name": "renamed"})
    client.post(USERS, {"username": "akadmin", "name": "Nobody"})
    client.post(GROUPS, {"name": "authentik Admins"})
    client.store.tokens.add("ops", superuser=True, secret="ops")
    owner = client.get(ME, token="ops").json()["user"]
    assert (owner["is_superuser"], owner["username"].startswith("akadmin-")) == (True, True)
    client.store.tokens.add("more", superuser=True, secret="more")
    assert client.get(ME, token="more").json()["user"]["is_superuser"]


def test_only_a_superuser_changes_a_token_with_permissions_of_its_own(client, reader):
    created(client, "own", user=reader["pk"])
    child = with_key(client, "own", "child")
    for token in ("reader", child):
        for method, path, body in (
            ("patch", "reader/", {"identifier": "other"}),
            ("patch", "reader/", {"expiring": True}),
            ("put", "reader/", {"identifier": "other"}),
            ("post", "reader/set_key/", {"key": "known"}),
        ):
            assert getattr(client, method)(TOKENS + path, body, token=token).status == 403
        assert client.delete(f"{TOKENS}reader/", token=token).status == 403
    assert client.patch(f"{TOKENS}own/", {"description": "x"}, token=child).status == 200
    assert client.patch(f"{TOKENS}reader/", {"description": "x"}).status == 200
    assert client.get(USERS, token="reader").status == 200


def test_an_unlimited_token_stays_so_when_something_else_changes(client, reader):
    for path in ("reader", "root"):
        before = client.get(f"{TOKENS}{path}/").json()
        assert (before["expires"], before["expiring"]) == (None, False)
        changed = client.patch(f"{TOKENS}{path}/", {"description": "x"}).json()
        assert changed == before | {"description": "x"}
    changed = client.patch(f"{TOKENS}root/", {"intent": "api"}).json()
    assert changed["expiring"] is False


def test_a_token_is_no_way_to_outlive_it(client, monkeypatch):
    now = 1_900_000_000
    monkeypatch.setattr(determinism, "now", lambda: float(now))
    soon = now + 60
    client.store.tokens.add("brief", permissions=["authentik_core.view_user"], expires=soon, secret="brief")
    limit = "2030-03-17T17:47:40Z"
    for properties in ({}, {"intent": "app_password"}, {"expires": "2031-01-01T00:00:00Z"}):
        name = f"child{len(identifiers(client))}"
        assert created(client, name, token="brief", **properties)["expires"] == limit
    rejected = client.post(TOKENS, {"identifier": "lasting", "expiring": False}, token="brief")
    assert (rejected.status, list(rejected.json())) == (400, ["expiring"])
    for body in ({"intent": "api"}, {"expires": None}, {"intent": "app_password"}):
        assert client.patch(f"{TOKENS}{name}/", body, token="brief").json()["expires"] == limit
    assert client.patch(f"{TOKENS}{name}/", {"expiring": False}, token="brief").status == 400


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_beyond_the_years_is_refused(client, moment):
    for path, body in (
        (SERVICE_ACCOUNT, {"name": "robot", "expires": moment}),
        (TOKENS, {"identifier": "late", "intent": "app_password", "expires": moment}),
    ):
        rejected = client.post(path, body)
        assert (rejected.status, list(rejected.json())) == (400, ["expires"]), rejected.body
    entry = {"model": "authentik_core.token", "identifiers": {"identifier": "late"}}
    entry["attrs"] = {"intent": "app_password", "expires": moment, "user": client.get(ME).json()["user"]["pk"]}
    body, headers = form(file=("a.yaml", "application/yaml", json.dumps({"version": 1, "entries": [entry]}).encode()))
    outcome = client.post("/api/v3/flows/instances/import/", body=body, headers=headers).json()
    assert (outcome["success"], "years 1 to 9999" in str(outcome["logs"])) == (False, True)
    assert client.get(TOKENS).status == 200
    assert client.get(USERS, query="username=robot").json()["pagination"]["count"] == 0


def test_a_stored_time_beyond_the_years_is_shown_as_the_nearest_one(client):
    client.store.tokens.add("late", permissions=["authentik_core.view_user"], expires=10**13)
    assert client.get(f"{TOKENS}late/").json()["expires"] == "9999-12-31T23:59:59Z"
