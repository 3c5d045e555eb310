"""Running flows in several versions on one store: stages take values in the form of each, and challenges have its values."""

import pytest

from app import determinism, passwords
from tests.contract.test_served_versions import cache, serving  # noqa: F401  # fixtures
from tests.executor import API, Browser, flow_of, login_flow

FIRST, LAST = "2024.8", "2026.8"
NEWEST = f"/{LAST}{API}"


@pytest.fixture(scope="module")
def server(serving):  # noqa: F811
    """A client of a server with flows, one of them with prompts of all types, and the user jane."""
    client = serving()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "COST", 2)
        login_flow(client)
    email = {"use_global_settings": True, "token_expiry": 30}
    flow_of(client, "mail", ("identification", {"user_fields": ["username"]}), ("email", email), ("dummy", {}))
    fields = [
        client.post(
            f"{NEWEST}/stages/prompt/prompts/",
            {"name": kind, "field_key": kind, "label": kind, "type": kind, "required": True},
        )
        for kind in enum(client, LAST, "PromptTypeEnum")
    ]
    flow_of(client, "asked", ("prompt/stages", {"fields": [field.json()["pk"] for field in fields]}))
    return client


def enum(client, version, name):
    """The values of an enum of a version."""
    document = client.get(f"{API}/schema/?format=json" if version == FIRST else f"/{version}{API}/schema/?format=json")
    return document.json()["components"]["schemas"][name]["enum"]


@pytest.mark.parametrize(("minutes", "status"), [(30, 302), (31, 200)])
@pytest.mark.parametrize("asking", [FIRST, "2025.4", LAST])
@pytest.mark.parametrize("beginning", [FIRST, "2025.4"])
def test_a_link_is_valid_as_long_in_each_version(server, monkeypatch, beginning, asking, minutes, status):
    server.delete("/outbox.json")
    browser = Browser(server)
    browser.post("mail", prefix=f"/{beginning}", uid_field="jane")
    assert browser.get("mail", prefix=f"/{asking}").json()["component"] == "ak-stage-email"
    (mail,) = server.get("/outbox.json").json()
    token, now = mail["link"].partition("flow_token=")[2], determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + minutes * 60)
    assert Browser(server).get("mail", f"query=flow_token%3D{token}", f"/{asking}").status == status


@pytest.mark.parametrize("who", ["joe", "nobody"])
def test_a_user_gets_as_many_e_mails_as_the_stage_says_whether_or_not_the_user_exists(server, monkeypatch, who):
    if who == "joe":
        server.post(f"{API}/core/users/", {"username": "joe", "name": "Joe", "email": "joe@example.com"})
    email = {"name": f"few for {who}", "recovery_max_attempts": 3, "recovery_cache_timeout": "minutes=10"}
    stage = server.post(f"{NEWEST}/stages/email/", {"use_global_settings": True, **email}).json()["pk"]
    flow_of(server, f"few-{who}", ("identification", {"user_fields": ["username"]}))
    flow = server.get(f"{API}/flows/instances/few-{who}/").json()["pk"]
    server.post(f"{API}/flows/bindings/", {"target": flow, "stage": stage, "order": 1})
    server.delete("/outbox.json")
    sent = {"string": "email-sent", "code": "email-sent"}
    too_many = "Too many account verification attempts. Please try again after 10 minutes."
    refused = {"string": too_many, "code": "rate-limited"}

    def browser():
        begun = Browser(server)
        begun.post(f"few-{who}", prefix=f"/{LAST}", uid_field=who)
        return begun, begun.get(f"few-{who}", prefix=f"/{LAST}").json().get("response_errors")

    first, errors = browser()
    assert errors is None
    answers = [first.post(f"few-{who}", prefix=f"/{LAST}").json()["response_errors"] for _ in range(3)]
    assert answers == [{"non_field_errors": [message]} for message in (sent, sent, refused)]
    assert browser()[1] == {"non_field_errors": [refused]}
    assert len(server.get("/outbox.json").json()) == (3 if who == "joe" else 0)
    now = determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + 10 * 60)
    assert browser()[1] is None


# New values come with 2026.2 and 2026.5.
@pytest.mark.parametrize("version", [FIRST, "2025.12", "2026.2", LAST])
def test_challenges_have_only_values_of_the_version(server, version):
    layouts, types = (enum(server, version, name) for name in ("FlowLayoutEnum", "PromptTypeEnum"))
    for layout in enum(server, LAST, "FlowLayoutEnum"):
        server.patch(f"{NEWEST}/flows/instances/asked/", {"layout": layout})
        server.patch(f"{NEWEST}/flows/instances/mail/", {"layout": layout})
        browser = Browser(server)
        challenge = browser.get("asked", prefix=f"/{version}").json()
        assert challenge["flow_info"]["layout"] == layout or layout not in layouts
        assert challenge["flow_info"]["layout"] in layouts
        assert {field["type"] for field in challenge["fields"]} == set(types)
        headers = {"authorization": "Bearer root"}
        assert browser.send("GET", f"/{version}{API}/flows/inspector/asked/", headers=headers).status == 200
        other = browser.get("mail", prefix=f"/{version}").json()
        assert other["flow_info"]["layout"] == challenge["flow_info"]["layout"]


def test_an_alert_needs_no_value(server):
    browser = Browser(server)
    browser.get("asked", prefix=f"/{LAST}")
    wrong = browser.post("asked", prefix=f"/{LAST}").json()["response_errors"]
    assert "text" in wrong
    assert not any(name.startswith("alert") for name in wrong), wrong
