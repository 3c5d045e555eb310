"""Evaluation of policies of each kind, as a test and in a running flow."""

import pytest

from app import determinism, passwords
from tests.executor import API, PASSWORD, Browser, flow_of, login_flow

DAY = 24 * 60 * 60
ADVICE = "Add another word or two. Uncommon words are better."


@pytest.fixture
def client(client_on_each, monkeypatch):
    """A client of a server where passwords are hashed fast, with the user jane."""
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(client_on_each)
    return client_on_each


def made(client, kind, **properties):
    answer = client.post(f"{API}/policies/{kind}/", {"name": kind, **properties})
    assert answer.status == 201, answer.body
    return answer.json()["pk"]


def result_of(client, kind, properties, context=None):
    """Whether a policy passes for jane, and its messages."""
    key = made(client, kind, **properties)
    answer = client.post(f"{API}/policies/all/{key}/test/", {"user": client.user, "context": context or {}})
    assert answer.status == 200, answer.body
    return answer.json()["passing"], answer.json()["messages"]


@pytest.mark.parametrize(
    ("kind", "properties", "result"),
    [
        ("event_matcher", {"action": "login"}, (False, [])),
        ("event_matcher", {"action": None}, (False, [])),
        ("geoip", {"countries": []}, (True, [])),
        ("geoip", {"countries": ["DE"]}, (False, ["GeoIP: client IP address not found in City database."])),
        (
            "geoip",
            {"countries": ["DE"], "asns": [64512]},
            (
                False,
                [
                    "GeoIP: client IP address not found in ASN database.",
                    "GeoIP: client IP address not found in City database.",
                ],
            ),
        ),
        ("reputation", {"check_ip": True, "threshold": -1}, (False, [])),
        ("reputation", {"check_ip": True, "threshold": 0}, (True, [])),
        ("password_expiry", {"days": 1}, (True, [])),
        ("password_expiry", {"days": 0, "deny_only": True}, (False, ["Password has expired."])),
        (
            "password_expiry",
            {"days": -3},
            (False, ["Password expired 3 days ago. Please update your password."]),
        ),
    ],
)
def test_a_policy_of_each_kind_has_a_result(client, kind, properties, result):
    assert result_of(client, kind, properties) == result


@pytest.mark.parametrize(
    ("password", "properties", "result"),
    [
        ("", {}, (False, ["Password not set in context"])),
        (None, {}, (False, ["Password not set in context"])),
        ("password", {"zxcvbn_score_threshold": 2}, (False, ["Password is too weak.", ADVICE])),
        ("password", {"check_zxcvbn": False}, (True, [])),
        ("horse staple in a blue box", {"zxcvbn_score_threshold": 2}, (True, [])),
        ("horse staple in a blue box", {"zxcvbn_score_threshold": 4}, (False, ["Password is too weak."])),
        ("jane@example.com", {"zxcvbn_score_threshold": 0}, (False, ["Password is too weak.", ADVICE])),
        (12345678, {"zxcvbn_score_threshold": 1}, (False, ["Password is too weak.", ADVICE])),
        ("abc", {"length_min": 4, "error_message": "Too short."}, (False, ["Too short."])),
    ],
)
def test_a_password_policy_estimates_strength_after_its_rules(client, password, properties, result):
    properties = {"error_message": "Wrong.", "check_zxcvbn": True, **properties}
    assert result_of(client, "password", properties, {"password": password}) == result


def test_each_password_of_a_request_is_estimated_by_itself(client):
    policy = made(client, "password", error_message="", check_static_rules=False, check_zxcvbn=True)
    field = {"name": "new", "field_key": "password", "label": "New", "type": "password", "order": 0}
    prompt = client.post(f"{API}/stages/prompt/prompts/", field).json()["pk"]
    (_, (_, second), _) = flow_of(
        client,
        "enrollment",
        ("prompt/stages", {"fields": [prompt]}),
        ("prompt/stages", {"fields": [prompt], "validation_policies": [policy]}),
        ("dummy", {}),
    )
    client.post(f"{API}/policies/bindings/", {"target": second, "policy": policy, "order": 0})
    client.patch(f"{API}/flows/bindings/{second}/", {"re_evaluate_policies": True, "evaluate_on_plan": False})
    browser = Browser(client)
    browser.post("enrollment", password="horse staple in a blue box")
    refused = browser.post("enrollment", password="password").json()["response_errors"]["non_field_errors"]
    assert "Password is too weak." in [error["string"] for error in refused]


def test_a_long_password_is_estimated_by_its_beginning(client):
    properties = {"error_message": "", "check_zxcvbn": True}
    assert result_of(client, "password", properties, {"password": "ä7%" * 700})[0] is False


@pytest.mark.parametrize(("deny_only", "usable"), [(False, False), (True, True)])
def test_a_password_that_expired_is_unusable_unless_the_policy_only_denies(client, monkeypatch, deny_only, usable):
    flow_of(client, "asked", ("dummy", {}))
    flow = client.get(f"{API}/flows/instances/asked/").json()["policybindingmodel_ptr_id"]
    policy = made(client, "password_expiry", days=30, deny_only=deny_only)
    client.post(f"{API}/policies/bindings/", {"target": flow, "policy": policy, "order": 0})
    assert logged_in(client).get("asked").json()["component"] == "ak-stage-dummy"
    now = determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + 31 * DAY)
    browser = logged_in(client)
    for _ in range(2):
        denied = browser.get("asked").json()
        assert (denied["component"], "xpired" in denied["error_message"]) == ("ak-stage-access-denied", True)
    browser = Browser(client)
    browser.post("login", uid_field="jane")
    assert (b"response_errors" not in browser.post("login", password=PASSWORD).body) is usable


@pytest.mark.parametrize("asked", ["the default flow", "access to an application", "the applications"])
def test_a_question_that_evaluates_a_password_expiry_policy_changes_no_password(client, monkeypatch, asked):
    policy = made(client, "password_expiry", days=5)
    flow = client.get(f"{API}/flows/instances/login/").json()["policybindingmodel_ptr_id"]
    application = client.post(f"{API}/core/applications/", {"name": "App", "slug": "app"}).json()["pk"]
    browser = logged_in(client)
    for target in (flow, application):
        client.post(f"{API}/policies/bindings/", {"target": target, "policy": policy, "order": 0})
    assert Browser(client).send("GET", "/flows/-/default/authentication/").status == 302, "it passes without a user"
    now = determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + 6 * DAY)
    path = {
        "the default flow": "/flows/-/default/authentication/",
        "access to an application": f"{API}/core/applications/app/check_access/",
        "the applications": f"{API}/core/applications/",
    }[asked]
    assert browser.send("GET", path).status == (404 if asked == "the default flow" else 200)
    assert client.store.passwords.of(client.user) is not None


def logged_in(client):
    return Browser(client).log_in()
