"""Invitations: who creates them, how long they are valid, and what becomes of them."""

import datetime as dt
import json

import pytest

from app.blueprints.importing import apply
from tests.asgi import FLOWS
from tests.forms import form

API = "/api/v3/"
INVITATIONS, USERS = f"{API}stages/invitation/invitations/", f"{API}core/users/"
MODEL = "authentik_stages_invitation.invitation"


def imported(client, entry):
    body, headers = form(file=("b.yaml", "", json.dumps({"entries": [{"model": MODEL, **entry}]}).encode()))
    return client.post(f"{FLOWS}import/", body=body, headers=headers).json()


def until(invitation):
    """The seconds until an invitation expires."""
    expires = dt.datetime.fromisoformat(invitation["expires"])
    return (expires - dt.datetime.now(dt.UTC)).total_seconds()


def test_the_caller_creates_an_invitation_whatever_the_body_says(client_on_each):
    client = client_on_each
    creator = client.post(USERS, {"username": "jane", "name": "Jane"}).json()
    token = client.post(f"{API}core/tokens/", {"identifier": "jane", "user": creator["pk"]}).json()
    client.post(f"{API}core/tokens/{token['identifier']}/set_key/", {"key": "of-jane"})
    group = client.post(f"{API}core/groups/", {"name": "admins", "is_superuser": True}).json()
    client.post(f"{API}core/groups/{group['pk']}/add_user/", {"pk": creator["pk"]})
    body = {"name": "a", "created_by": {"pk": 1}}
    created = client.post(INVITATIONS, body, token="of-jane").json()
    assert (created["created_by"]["pk"], created["created_by"]["username"]) == (creator["pk"], "jane")
    (listed,) = client.get(INVITATIONS, query="created_by__username=jane").json()["results"]
    assert listed == created
    assert client.get(INVITATIONS, query="created_by__username=john").json()["results"] == []
    (used,) = [
        use for use in client.get(f"{USERS}{creator['pk']}/used_by/").json() if use["model_name"] == "invitation"
    ]
    assert (used["name"], used["action"]) == (f"Invitation {created['pk']} created by {creator['pk']}", "cascade")
    assert client.delete(f"{USERS}{creator['pk']}/").status == 204
    assert client.get(f"{INVITATIONS}{created['pk']}/").status == 404


@pytest.mark.parametrize("body", [{}, {"expires": None}])
def test_an_invitation_without_a_time_expires_in_half_an_hour(client_on_each, body):
    client = client_on_each
    created = client.post(INVITATIONS, {"name": "a", **body}).json()
    assert 1700 < until(created) <= 1800
    path = f"{INVITATIONS}{created['pk']}/"
    later = client.patch(path, {"expires": "2030-01-02T03:04:05.25+02:00"}).json()
    assert later["expires"] == "2030-01-02T01:04:05.250000Z"
    assert client.patch(path, {"name": "b"}).json()["expires"] == later["expires"]
    assert 1700 < until(client.patch(path, {"expires": None}).json()) <= 1800


@pytest.mark.parametrize("moment", ["2030-06-30T23:59:60Z", "0001-01-01T00:00:00+10:00"])
def test_a_time_that_can_not_be_stored_is_rejected(client_on_each, moment):
    body = {"name": "a", "expires": moment}
    created = client_on_each.post(INVITATIONS, {"name": "a"}).json()
    for response in (
        client_on_each.post(INVITATIONS, body),
        client_on_each.patch(f"{INVITATIONS}{created['pk']}/", {"expires": moment}),
    ):
        assert (response.status, [*response.json()]) == (400, ["expires"])


@pytest.mark.parametrize("moment", ["2030-01-02T03:04:05Z", "2030-01-02T05:04:05%2B02:00"])
def test_invitations_are_found_by_the_moment_whatever_its_offset(client_on_each, moment):
    client = client_on_each
    for name, expires in (
        ("a", "2030-01-02T03:04:05Z"),
        ("b", "2030-01-02T03:04:05+02:00"),
        ("c", "1999-01-01T00:00:00Z"),
    ):
        assert client.post(INVITATIONS, {"name": name, "expires": expires}).status == 201
    assert [one["name"] for one in client.get(INVITATIONS, query=f"expires={moment}").json()["results"]] == ["a"]
    assert [one["name"] for one in client.get(INVITATIONS).json()["results"]] == ["a", "b", "c"]
    assert client.get(INVITATIONS, query="expires=soon").json() == {"expires": ["Enter a valid date/time."]}


def test_invitations_are_sorted_by_the_moment_whatever_the_precision(client_on_each):
    client = client_on_each
    moments = ["05.5Z", "05Z", "04.999999Z", "05.25Z", "05.250001Z", "06Z"]
    for moment in moments:
        body = {"name": f"a{moment[:2]}", "expires": f"2030-01-02T03:04:{moment}"}
        assert client.post(INVITATIONS, body).status == 201
    sorted_ = [one["expires"] for one in client.get(INVITATIONS, query="ordering=expires").json()["results"]]
    assert [moment[17:] for moment in sorted_] == [
        "04.999999Z", "05Z", "05.250000Z", "05.250001Z", "05.500000Z", "06Z",
    ]  # fmt: skip
    assert sorted_ == [one["expires"] for one in client.get(INVITATIONS).json()["results"]][::-1]
    for moment in sorted_:
        assert client.get(INVITATIONS, query=f"expires={moment}").json()["pagination"]["count"] == 1


def test_an_invitation_shows_its_flow_until_that_is_deleted(client_on_each, make_flow):
    client = client_on_each
    flow = client.post(FLOWS, make_flow(slug="a")).json()
    created = client.post(INVITATIONS, {"name": "a", "flow": flow["pk"]}).json()
    assert created["flow_obj"] == flow
    assert client.get(INVITATIONS, query="flow__slug=a").json()["results"] == [created]
    assert client.get(INVITATIONS, query="flow__slug=b").json()["results"] == []
    assert client.delete(f"{FLOWS}a/").status == 204
    assert client.get(f"{INVITATIONS}{created['pk']}/").json() == created | {"flow": None, "flow_obj": None}


def test_invitations_may_share_a_name(client_on_each):
    pks = {client_on_each.post(INVITATIONS, {"name": "a"}).json()["pk"] for _ in range(2)}
    assert len(pks) == 2


def test_a_blueprint_names_who_creates_an_invitation(client):
    (user,) = client.get(USERS).json()["results"]
    pk = "6c0e1f3b-9d52-4a87-8d27-7f645b8e3c1a"
    attrs = {"name": "a", "expires": "2030-01-02T03:04:05+02:00", "created_by": user["pk"]}
    for event in ("created", "unchanged"):
        outcome = imported(client, {"identifiers": {"pk": pk}, "attrs": attrs})
        assert outcome["success"], outcome
        assert event in outcome["logs"][0]["event"]
    assert client.get(f"{INVITATIONS}{pk}/").json()["created_by"]["pk"] == user["pk"]


def test_an_invitation_of_a_blueprint_that_names_nobody_is_that_of_its_sender(client):
    group = client.post(f"{API}core/groups/", {"name": "admins", "is_superuser": True}).json()
    creator = client.post(USERS, {"username": "jane", "name": "Jane", "groups": [group["pk"]]}).json()
    token = client.post(f"{API}core/tokens/", {"identifier": "jane", "user": creator["pk"]}).json()
    client.post(f"{API}core/tokens/{token['identifier']}/set_key/", {"key": "of-jane"})
    body, headers = form(file=("b.yaml", "", blueprint("a")))
    assert client.post(f"{FLOWS}import/", body=body, headers=headers, token="of-jane").json()["success"]
    assert apply(client.store, blueprint("b")).success
    invitations = client.get(INVITATIONS, query="ordering=name").json()["results"]
    assert [one["created_by"]["username"] for one in invitations] == ["jane", "akadmin"]


def blueprint(name):
    return f"entries: [{{model: {MODEL}, identifiers: {{name: {name}}}}}]".encode()


@pytest.mark.parametrize(
    ("creator", "message"),
    [
        ({"created_by": 999999}, 'Invalid pk "999999" - object does not exist.'),
        ({"created_by": "jane"}, 'Invalid pk "jane" - object does not exist.'),
        ({"created_by": None}, 'Invalid pk "None" - object does not exist.'),
        ({"created_by": True}, 'Invalid pk "True" - object does not exist.'),
    ],
)
def test_a_blueprint_that_names_nobody_is_rejected(client, creator, message):
    outcome = imported(
        client, {"identifiers": {"pk": "6c0e1f3b-9d52-4a87-8d27-7f645b8e3c1a"}, "attrs": {"name": "a", **creator}}
    )
    assert not outcome["success"]
    assert message in outcome["logs"][0]["event"]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("authentik_policies_reputation.reputation", "policies/reputation/scores/"),
        ("authentik_stages_authenticator_webauthn.webauthndevicetype", "stages/authenticator/webauthn_device_types/"),
    ],
)
def test_what_no_request_creates_no_blueprint_creates(client, model, path):
    attrs = {"identifier": "jane", "ip": "192.0.2.1", "description": "Key"}
    entry = {"model": model, "identifiers": {"pk": "6c0e1f3b-9d52-4a87-8d27-7f645b8e3c1a"}, "attrs": attrs}
    outcome = imported(client, entry)
    assert not outcome["success"]
    assert client.get(API + path).json()["results"] == []
    assert client.post(API + path, attrs).status == 405
