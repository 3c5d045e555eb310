"""Policy bindings that bind users and groups, and what becomes of references to these."""

import pytest

from tests.forms import form

API = "/api/v3/"
BINDINGS, USERS, GROUPS = API + "policies/bindings/", API + "core/users/", API + "core/groups/"


@pytest.fixture
def client(client_on_each):
    return client_on_each


@pytest.fixture
def flow(client):
    body = {"name": "Flow", "slug": "flow", "title": "Flow", "designation": "recovery"}
    return client.post(API + "flows/instances/", body).json()


@pytest.fixture
def team(client):
    return client.post(GROUPS, {"name": "team"}).json()


@pytest.fixture
def jane(client, team):
    return client.post(USERS, {"username": "jane", "name": "Jane Doe", "groups": [team["pk"]]}).json()


def bound(client, flow, order, **what):
    """A new binding of a user, a group or a policy."""
    response = client.post(BINDINGS, {"target": flow["pk"], "order": order, **what})
    assert response.status == 201, response.body
    return response.json()


def test_a_binding_shows_what_it_binds(client, flow, team, jane):
    team = client.get(f"{GROUPS}{team['pk']}/").json()
    first, second = bound(client, flow, 0, user=jane["pk"]), bound(client, flow, 1, group=team["pk"])
    assert (first["user"], first["user_obj"], first["group_obj"], first["policy_obj"]) == (jane["pk"], jane, None, None)
    assert (second["group"], second["group_obj"], second["user_obj"]) == (team["pk"], team, None)
    assert client.get(BINDINGS, query="policy__isnull=true&ordering=order").json()["results"] == [first, second]
    # A flow lists the policies only.
    assert client.get(f"{API}flows/instances/flow/").json()["policies"] == []


def test_a_user_is_bound_again_at_the_same_place(client, flow, jane):
    first, second = (bound(client, flow, 0, user=jane["pk"]) for _ in range(2))
    assert first | {"pk": second["pk"]} == second


def test_a_binding_of_nothing_or_of_several_is_refused(client, flow, team, jane):
    for what, start in (({}, "One of"), ({"user": jane["pk"], "group": team["pk"]}, "Only one of")):
        rejected = client.post(BINDINGS, {"target": flow["pk"], "order": 0, **what})
        assert rejected.status == 400
        assert rejected.json()["non_field_errors"][0].startswith(start)


def test_a_change_of_what_is_bound(client, flow, team, jane):
    path = f"{BINDINGS}{bound(client, flow, 0, user=jane['pk'])['pk']}/"
    changed = client.patch(path, {"user": None, "group": team["pk"]}).json()
    assert (changed["user"], changed["group"]) == (None, team["pk"])
    assert client.patch(path, {"user": 10**6}).json() == {"user": ['Invalid pk "1000000" - object does not exist.']}
    assert client.get(path).json() == changed


@pytest.mark.parametrize("kind", ["user", "group"])
def test_a_binding_goes_with_what_it_binds(client, flow, team, jane, kind):
    one, path = {"user": (jane, USERS), "group": (team, GROUPS)}[kind]
    bindings = [bound(client, flow, order, **{kind: one["pk"]}) for order in range(2)]
    uses = [use for use in client.get(f"{path}{one['pk']}/used_by/").json() if use["model_name"] == "policybinding"]
    shown = {"user": "User Jane Doe", "group": "Group team"}[kind]
    assert [(use["pk"], use["name"], use["action"]) for use in uses] == [
        (binding["pk"], f"Binding from Flow Flow (flow) #{order} to {shown}", "cascade")
        for order, binding in enumerate(bindings)
    ]
    assert client.delete(f"{path}{one['pk']}/").status == 204
    assert client.get(BINDINGS).json()["results"] == []


def test_a_group_that_is_gone_is_no_stage_s_any_more(client, team):
    """`create_users_group` of a user write stage leads to a group that exists."""
    path = API + "stages/user_write/"
    stage = client.post(path, {"name": "write", "create_users_group": team["pk"]}).json()
    assert [found["pk"] for found in client.get(path, query=f"create_users_group={team['pk']}").json()["results"]] == [
        stage["pk"]
    ]
    (use,) = client.get(f"{GROUPS}{team['pk']}/used_by/").json()
    assert (use["pk"], use["name"], use["action"]) == (stage["pk"], "Stage write", "set_default")
    assert client.delete(f"{GROUPS}{team['pk']}/").status == 204
    assert client.get(f"{path}{stage['pk']}/").json() == stage | {"create_users_group": None}
    rejected = client.patch(f"{path}{stage['pk']}/", {"create_users_group": team["pk"]})
    assert rejected.json() == {"create_users_group": [f'Invalid pk "{team["pk"]}" - object does not exist.']}


def test_bindings_of_people_are_exported_and_imported(client, flow, team, jane):
    bindings = [bound(client, flow, 0, user=jane["pk"]), bound(client, flow, 1, group=team["pk"])]
    exported = client.get(f"{API}flows/instances/flow/export/").body
    for again in range(2):
        if not again:
            assert client.delete(f"{API}flows/instances/flow/").status == 204
        body, headers = form(file=("flow.yaml", "", exported))
        imported = client.post(f"{API}flows/instances/import/", body=body, headers=headers).json()
        assert imported["success"], imported
        found = client.get(BINDINGS, query="ordering=order").json()["results"]
        assert [(each["user"], each["group"]) for each in found] == [(each["user"], each["group"]) for each in bindings]
