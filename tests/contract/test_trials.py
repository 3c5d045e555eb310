"""What is tried without a change: tests of policies, previews of prompts, the settings of users, and Duo."""

import pytest

API = "/api/v3/"
POLICIES, STAGES = f"{API}policies/", f"{API}stages/"
PREVIEW = f"{STAGES}prompt/prompts/preview/"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def user(client):
    return client.post(f"{API}core/users/", {"username": "jane", "name": "Jane"}).json()["pk"]


def trial_of(client, policy, **body):
    return client.post(f"{POLICIES}all/{policy}/test/", body)


@pytest.mark.parametrize("result", [True, False])
def test_a_policy_is_tested_as_it_decides(client, user, result):
    policy = client.post(f"{POLICIES}dummy/", {"name": "a", "result": result, "wait_min": 0, "wait_max": 1}).json()[
        "pk"
    ]
    response = trial_of(client, policy, user=user)
    assert (response.status, response.json()) == (200, {"passing": result, "messages": ["dummy"], "log_messages": []})


def test_an_expression_is_tested_as_it_decides(client, user):
    expression = "ak_message(request.user.username)\nreturn request.debug and context['a'] == 1"
    policy = client.post(f"{POLICIES}expression/", {"name": "a", "expression": expression}).json()["pk"]
    assert trial_of(client, policy, user=user, context={"a": 1}).json() == {
        "passing": True,
        "messages": ["jane"],
        "log_messages": [],
    }


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, {"user": ["This field is required."]}),
        ({"user": None}, {"user": ["This field may not be null."]}),
        ({"user": "jane"}, {"user": ["Incorrect type. Expected pk value, received str."]}),
        ({"user": 999999}, {"user": ['Invalid pk "999999" - object does not exist.']}),
        ({"context": None}, {"context": ["This field may not be null."]}),
        ({"context": []}, {"context": ["Value must be a dictionary, and not have any duplicate keys."]}),
    ],
)
def test_a_test_that_can_not_be_made_is_rejected(client, user, body, messages):
    policy = client.post(f"{POLICIES}dummy/", {"name": "a"}).json()["pk"]
    response = client.post(f"{POLICIES}all/{policy}/test/", body if "user" in messages else {"user": user, **body})
    assert (response.status, response.json()) == (400, messages)


def test_a_policy_that_does_not_exist_is_not_tested(client, user):
    assert trial_of(client, NOBODY, user=user).status == 404


def preview(client, **properties):
    return client.post(PREVIEW, {"name": "p", "field_key": "k", "label": "l", "type": "text", **properties})


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"type": "text", "placeholder": "a", "initial_value": "b"}, ("a", "b", None)),
        ({"type": "dropdown", "placeholder": "a", "initial_value": "b"}, ("", "a", ["a"])),
        ({"type": "radio-button-group", "placeholder": "a", "initial_value": "a"}, ("", "a", ["a"])),
        ({"type": "dropdown"}, ("", "", [""])),
        ({"type": "hidden", "placeholder": "<b>", "initial_value": "'"}, ("<b>", "'", None)),
    ],
)
def test_a_preview_shows_a_field_and_stores_nothing(client, sent, shown):
    response = preview(client, **sent)
    (field,) = response.json()["fields"]
    assert (field["placeholder"], field["initial_value"], field["choices"]) == shown
    assert (field["required"], field["order"], field["sub_text"]) == (True, 0, "")
    assert client.get(f"{STAGES}prompt/prompts/").json()["results"] == []


def test_a_preview_may_have_the_name_of_a_prompt_that_exists(client):
    assert (
        client.post(f"{STAGES}prompt/prompts/", {"name": "p", "field_key": "k", "label": "l", "type": "text"}).status
        == 201
    )
    assert preview(client).status == 200


@pytest.mark.parametrize("name", ["placeholder", "initial_value"])
def test_a_preview_shows_the_value_of_an_expression_or_its_error(client, name):
    shown = preview(client, **{name: "return 1 + 1", f"{name}_expression": True}).json()["fields"][0]
    assert shown[name] == "2"
    blank = preview(client, **{name: "", f"{name}_expression": True})
    assert (blank.status, blank.json()["fields"][0][name]) == (200, "")
    response = preview(client, **{name: "return 1 / 0", f"{name}_expression": True})
    assert (response.status, response.json()) == (400, {"non_field_errors": ["division by zero"]})


def test_users_find_the_stages_that_they_set_up_kind_by_kind(client_on_each, make_flow):
    client = client_on_each
    flow = client.post(f"{API}flows/instances/", make_flow(slug="a")).json()["pk"]

    def added(path, **properties):
        return client.post(f"{STAGES}{path}/", properties).json()["pk"]

    password = {"backends": ["authentik.core.auth.InbuiltBackend"]}
    with_flow = added("password", name="b", configure_flow=flow, **password)
    added("password", name="a", **password)
    named = added("authenticator/static", name="e", friendly_name="Codes")
    plain = added("authenticator/static", name="d", configure_flow=flow)
    added("dummy", name="c")
    client.store.tokens.add("nobody", secret="nobody")
    found = client.get(f"{STAGES}all/user_settings/", token="nobody").json()
    assert [setting["object_uid"] for setting in found] == [plain, named, with_flow]
    assert found[:2] == [
        {
            "object_uid": plain,
            "component": "ak-user-settings-authenticator-static",
            "title": "Static Authenticator Setup Stage",
            "configure_url": f"/flows/-/configure/{plain}/",
        },
        {"object_uid": named, "component": "ak-user-settings-authenticator-static", "title": "Codes"},
    ]
    assert client.get(f"{STAGES}all/user_settings/", token="").status == 403


@pytest.mark.parametrize("operation", ["enrollment_status", "import_device_manual", "import_devices_automatic"])
def test_the_operations_of_duo_say_that_it_is_not_reached(client, user, operation):
    properties = {"client_id": "a", "client_secret": "b", "api_hostname": "duo.example.com"}
    stage = client.post(f"{STAGES}authenticator/duo/", {"name": "a", **properties}).json()["pk"]
    body = {"username": "jane", "duo_user_id": "x"}
    rejected = client.post(f"{STAGES}authenticator/duo/{stage}/{operation}/", body)
    assert (rejected.status, rejected.json()) == (400, {"non_field_errors": ["This server does not reach Duo."]})
    assert client.post(f"{STAGES}authenticator/duo/{NOBODY}/{operation}/", body).status == 404
    if operation == "import_device_manual":
        unknown = client.post(f"{STAGES}authenticator/duo/{stage}/{operation}/", {**body, "username": "john"})
        assert (unknown.status, unknown.json()) == (400, {"non_field_errors": ["User does not exist."]})
