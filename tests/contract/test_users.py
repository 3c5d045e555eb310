"""Users and groups, beside what every model does (`test_models.py`)."""

import json
from urllib.parse import quote

import pytest

from app import passwords
from app.representations.people import avatar
from tests.contract_files import shipped
from tests.examples import operations
from tests.forms import form

USERS, GROUPS = "/api/v3/core/users/", "/api/v3/core/groups/"


@pytest.fixture
def client(client_on_each):
    return client_on_each


def user(client, username, **properties):
    """A new user."""
    response = client.post(USERS, {"username": username, "name": username.title(), **properties})
    assert response.status == 201, response.body
    return response.json()


def group(client, name, **properties):
    """A new group."""
    response = client.post(GROUPS, {"name": name, **properties})
    assert response.status == 201, response.body
    return response.json()


def test_a_number_of_a_user_is_used_once(client):
    first, second = user(client, "a"), user(client, "b")
    assert second["pk"] == first["pk"] + 1
    assert client.delete(f"{USERS}{second['pk']}/").status == 204
    assert user(client, "b")["pk"] == second["pk"] + 1


def test_users_are_sorted_by_number_and_not_by_its_digits(client):
    made = [user(client, f"u{number}")["pk"] for number in range(12)]
    found = client.get(USERS, query="ordering=-pk").json()["results"]
    assert [each["pk"] for each in found if each["username"].startswith("u")] == made[::-1]


@pytest.mark.parametrize(
    "key", ["x", "1.0", "-1", "99999999999999999999", "%D9%A1", "00000000-0000-4000-8000-000000000000"]
)
def test_a_path_that_names_no_number_is_not_found(client, key):
    assert client.get(f"{USERS}{key}/").status == 404


def test_a_membership_shows_on_both_sides(client):
    """`core_groups_add_user_create` and `core_groups_remove_user_create` change what `groups` and `users` list."""
    jane, team = user(client, "jane"), group(client, "team")
    here, there = f"{USERS}{jane['pk']}/", f"{GROUPS}{team['pk']}/"
    for _ in range(2):
        assert client.post(there + "add_user/", {"pk": jane["pk"]}).status == 204
    assert client.get(here).json()["groups"] == [team["pk"]]
    assert client.get(there).json()["users"] == [jane["pk"]]
    for _ in range(2):
        assert client.post(there + "remove_user/", {"pk": jane["pk"]}).status == 204
    assert client.get(here).json()["groups_obj"] == []
    assert client.get(there).json()["users_obj"] == []
    client.patch(there, {"users": [jane["pk"], jane["pk"]]})
    assert client.get(here).json()["groups"] == [team["pk"]]
    client.patch(here, {"groups": []})
    assert client.get(there).json()["users"] == []


def test_a_membership_of_nobody_is_not_found(client):
    team = group(client, "team")
    for action in ("add_user", "remove_user"):
        assert client.post(f"{GROUPS}{team['pk']}/{action}/", {"pk": 10**6}).status == 404
        assert client.post(f"{GROUPS}{team['pk']}/{action}/", {}).json() == {"pk": ["This field is required."]}


def test_a_superuser_is_one_by_a_group_or_its_parent(client):
    above = group(client, "above", is_superuser=True)
    below, other = group(client, "below", parent=above["pk"]), group(client, "other")
    found = {name: user(client, name, groups=groups) for name, groups in (
        ("direct", [above["pk"]]), ("inherited", [below["pk"]]), ("none", [other["pk"]]), ("alone", []),
    )}  # fmt: skip
    assert {name: each["is_superuser"] for name, each in found.items()} == {
        "direct": True, "inherited": True, "none": False, "alone": False,
    }  # fmt: skip
    assert found["inherited"]["groups_obj"][0]["parent_name"] == "above"
    named = {
        asked: [
            each["username"]
            for each in client.get(USERS, query=f"is_superuser={asked}").json()["results"]
            if each["username"] in found
        ]
        for asked in ("true", "false")
    }
    # As in authentik: a group decides, not its parent, and who is in none is in neither list.
    assert (named["true"], named["false"]) == (["direct"], ["inherited", "none"])


def test_a_group_is_not_its_own_parent(client):
    team = group(client, "team")
    rejected = client.patch(f"{GROUPS}{team['pk']}/", {"parent": team["pk"]})
    assert (rejected.status, rejected.json()) == (400, {"parent": ["Cannot set group as parent of itself."]})


def test_a_group_is_no_ancestor_of_itself(client):
    top = group(client, "top")
    middle = group(client, "middle", parent=top["pk"])
    below = group(client, "below", parent=middle["pk"])
    for parent in (middle, below):
        rejected = client.patch(f"{GROUPS}{top['pk']}/", {"parent": parent["pk"]})
        assert (rejected.status, rejected.json()) == (400, {"parent": ["Cannot set group as parent of itself."]})
    for parent in (top["pk"], None):
        assert client.patch(f"{GROUPS}{below['pk']}/", {"parent": parent}).status == 200
    assert client.patch(f"{GROUPS}{top['pk']}/", {"parent": below["pk"]}).status == 200


def test_filters_by_what_is_connected(client):
    red, blue = group(client, "Red", attributes={"team": "red"}), group(client, "blue")
    jane = user(client, "Jane", groups=[red["pk"]], path="a/b")
    user(client, "joe", groups=[blue["pk"]], type="external")
    user(client, "jim", path="a%")

    def users(**query):
        found = client.get(USERS, query="&".join(f"{name}={quote(str(value))}" for name, value in query.items()))
        return [each["username"] for each in found.json()["results"]]

    assert users(groups_by_name="Red") == users(groups_by_pk=red["pk"]) == ["Jane"]
    assert users(path_startswith="a/") == ["Jane"]
    assert users(path_startswith="a%") == ["jim"]
    assert users(type="external") == ["joe"]
    names = [each["name"] for each in client.get(GROUPS, query=f"members_by_pk={jane['pk']}").json()["results"]]
    assert names == ["Red"]
    by_name = client.get(GROUPS, query="members_by_username=Jane&members_by_username=joe").json()["results"]
    assert [each["name"] for each in by_name] == ["Red", "blue"]
    for parameter, value in (("members_by_username", "jane"), ("members_by_pk", "999999")):
        rejected = client.get(GROUPS, query=f"{parameter}={value}")
        message = f"Select a valid choice. {value} is not one of the available choices."
        assert (rejected.status, rejected.json()) == (400, {parameter: [message]})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"text": "ä"}, True),
        ({"text": "a"}, False),
        ({"deep__er": 1}, True),
        ({"deep__er": 1, "text": "ä"}, True),
        ({"deep__er": 2}, False),
        ({"none": 1}, False),
        ({'"': 1}, False),
        ({"": 1}, False),
        ({"nul\0": "\0"}, False),
        ({"$.text": "ä"}, False),
    ],
)
def test_attributes_that_are_looked_for(client, wanted, found):
    user(client, "jane", attributes={"text": "ä", "deep": {"er": 1}})
    response = client.get(USERS, query="username=jane&attributes=" + quote(json.dumps(wanted)))
    assert (response.status, response.json()["pagination"]["count"]) == (200, int(found))


NO_FILTERS = [
    *("x", "[]", "1", '"a"', "[" * 10_000),
    *('{"a": NaN}', '{"a": Infinity}', '{"a": -1e400}', r'{"a": "\ud800"}', r'{"\udfff": 1}'),
    *('{"a": ' * 500 + "1" + "}" * 500, f'{{"{"a__" * 3000}": 1}}', f'{{"{"a__" * 700}b": 1, "{"a__" * 700}c": 1}}'),
]


@pytest.mark.parametrize("wanted", NO_FILTERS, ids=lambda wanted: wanted[:20])
def test_attributes_that_are_no_object_are_refused(client, wanted):
    for path in (USERS, GROUPS):
        response = client.get(path, query="attributes=" + quote(wanted))
        assert (response.status, list(response.json())) == (400, ["attributes"])


def test_what_is_not_asked_for_is_null(client):
    team = group(client, "team")
    jane = user(client, "jane", groups=[team["pk"]])
    (found,) = client.get(USERS, query="username=jane&include_groups=false").json()["results"]
    assert (found["groups_obj"], found["groups"]) == (None, [team["pk"]])
    for response in (
        client.get(GROUPS, query="name=team&include_users=false").json()["results"][0],
        client.get(f"{GROUPS}{team['pk']}/", query="include_users=false").json(),
    ):
        assert (response["users_obj"], response["users"]) == (None, [jane["pk"]])


def test_paths_of_users(client):
    for name, path in (("a", "x/y"), ("b", "x"), ("c", "x"), ("zed", "z")):
        user(client, name, path=path)
    assert {"x", "x/y", "z"} <= set(client.get(USERS + "paths/").json()["paths"])
    assert client.get(USERS + "paths/", query="search=zed").json() == {"paths": ["z"]}


def test_a_password_is_stored_as_a_hash_only(client):
    jane = user(client, "jane")
    path = f"{USERS}{jane['pk']}/set_password/"
    assert client.post(path, {"password": "open sesame"}).status == 204
    stored = client.store.passwords.of(jane["pk"])
    assert "sesame" not in stored
    assert passwords.matches("open sesame", stored)
    assert not passwords.matches("open Sesame", stored)
    assert client.post(path, {"password": "open sesame"}).status == 204
    assert client.store.passwords.of(jane["pk"]) != stored
    assert client.post(path, {"password": ""}).json() == {"password": ["This field may not be blank."]}
    assert client.post(f"{USERS}{10**6}/set_password/", {"password": "x"}).status == 404
    assert client.delete(f"{USERS}{jane['pk']}/").status == 204
    assert client.store.passwords.of(jane["pk"]) is None


def test_an_avatar_needs_no_other_server_and_holds_no_markup():
    assert avatar("Jane van Example") != avatar("Joe")
    assert {avatar(name)[:26] for name in ("", "<b> &", "'\"", "\N{GRINNING FACE}", "ß")} == {
        "data:image/svg+xml;base64,"
    }


def test_what_is_connected_is_seen_by_permission(client):
    """`core_users_used_by_list` and `core_groups_used_by_list` show what the token may see."""
    team = group(client, "team")
    jane = user(client, "jane", groups=[team["pk"]])
    token = client.store.tokens.add("reader", permissions=["authentik_core.view_user"])
    assert client.get(f"{USERS}{jane['pk']}/used_by/", token=token).json() == []
    assert client.get(f"{GROUPS}{team['pk']}/used_by/", token=token).status == 403
    (use,) = client.get(f"{GROUPS}{team['pk']}/used_by/").json()
    assert (use["pk"], use["name"], use["action"]) == (str(jane["pk"]), "jane", "cascade_many")


def test_a_fixed_reference_of_any_model_stays(edited):
    itself = "itself: Cannot set group as parent of itself.}"
    client = edited((itself, itself[:-1] + ", fixed: The parent stays.}"))
    above, other = group(client, "above"), group(client, "other")
    below = group(client, "below", parent=above["pk"])
    path = f"{GROUPS}{below['pk']}/"
    for parent in (other["pk"], None):
        rejected = client.patch(path, {"parent": parent})
        assert (rejected.status, rejected.json()) == (400, {"parent": ["The parent stays."]})
    assert client.patch(path, {"name": "new", "parent": above["pk"]}).json() == below | {"name": "new"}


@pytest.fixture
def helper(client):
    """A token with every permission for users and groups that is not a superuser's, and its user."""
    permissions = [
        f"authentik_core.{verb}_{kind}" for verb in ("view", "add", "change", "delete") for kind in ("user", "group")
    ]
    imports = operations(shipped())["flows_instances_import_create"].spec["x-required-permissions"]
    secret = client.store.tokens.add("helper", permissions=[*permissions, *imports], secret="helper")
    return client.get(USERS + "me/", token=secret).json()["user"]["pk"]


def superusers(client):
    """The superusers by name, as the users themselves show it."""
    found = client.get(USERS, query="page_size=100").json()["results"]
    return {each["username"] for each in found if each["is_superuser"] and each["is_active"]}


def test_a_caller_without_all_permissions_changes_no_superuser(client, helper):
    admin = client.get(USERS + "me/").json()["user"]
    admins = f"{GROUPS}{admin['groups'][0]['pk']}/"
    plain = group(client, "plain", users=[helper])
    above = group(client, "above", is_superuser=True)["pk"]
    before = superusers(client)
    groups = [each["pk"] for each in client.get(GROUPS).json()["results"]]
    for method, path, body in (
        ("patch", f"{USERS}{helper}/", {"groups": [above]}),
        ("post", USERS, {"username": "evil", "name": "Evil", "groups": [above]}),
        ("post", GROUPS, {"name": "evil", "is_superuser": True, "users": [helper]}),
        ("post", GROUPS, {"name": "evil", "parent": above}),
        ("patch", f"{GROUPS}{plain['pk']}/", {"parent": above}),
        ("patch", f"{GROUPS}{plain['pk']}/", {"is_superuser": True}),
        ("patch", f"{GROUPS}{above}/", {"users": [helper]}),
        ("post", f"{GROUPS}{above}/add_user/", {"pk": helper}),
        ("post", f"{admins}remove_user/", {"pk": admin["pk"]}),
        ("patch", f"{USERS}{admin['pk']}/", {"is_active": False}),
        ("patch", f"{USERS}{admin['pk']}/", {"groups": []}),
    ):
        rejected = getattr(client, method)(path, body, token="helper")
        message = {"detail": "You do not have permission to perform this action."}
        assert (rejected.status, rejected.json()) == (403, message), (method, path, body)
    for path in (f"{USERS}{admin['pk']}/", admins):
        assert client.delete(path, token="helper").status == 403
    assert superusers(client) == before
    assert [each["pk"] for each in client.get(GROUPS).json()["results"]] == groups
    # All else is allowed.
    assert client.patch(f"{USERS}{helper}/", {"name": "New"}, token="helper").status == 200
    assert client.patch(f"{USERS}{admin['pk']}/", {"email": "a@b.de"}, token="helper").status == 200
    assert client.post(GROUPS, {"name": "fine", "users": [helper]}, token="helper").status == 201
    assert client.delete(f"{GROUPS}{plain['pk']}/", token="helper").status == 204
    # A superuser may.
    assert client.patch(f"{USERS}{helper}/", {"groups": [above]}).status == 200


def test_a_blueprint_of_such_a_caller_makes_no_superuser(client, helper):
    entries = (
        {"model": "authentik_core.group", "identifiers": {"name": "evil"}, "attrs": {"is_superuser": True}},
        {"model": "authentik_core.user", "identifiers": {"username": "akadmin"}, "attrs": {"is_active": False}},
        {"model": "authentik_core.user", "identifiers": {"username": "akadmin"}, "state": "absent"},
    )
    for entry in entries:
        body, headers = form(
            file=("a.yaml", "application/yaml", json.dumps({"version": 1, "entries": [entry]}).encode())
        )
        outcome = client.post("/api/v3/flows/instances/import/", body=body, headers=headers, token="helper").json()
        assert not outcome["success"]
        assert "Only a superuser may change who is one." in str(outcome["logs"])
    assert superusers(client) == {"akadmin"}
