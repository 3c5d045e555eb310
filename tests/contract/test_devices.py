"""Devices: how users set them up, and how they prove to have one."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from app import determinism, passwords
from app.errors import SerializationFailure
from app.store.queries.references import key_of
from tests.executor import API, PASSWORD, Browser, flow_of, login_flow

WRONG_CODE = "Invalid Token. Please ensure the time on your device is accurate and try again."


@pytest.fixture
def clock(monkeypatch):
    """The time, which stands still: a list with the seconds."""
    moments = [1_800_000_000.0]
    monkeypatch.setattr(determinism, "now", lambda: moments[0])
    return moments


@pytest.fixture
def client(client_on_each, clock, monkeypatch):
    """A client of a server with the user jane, a login that asks for a device, and flows that set devices up."""
    monkeypatch.setattr(passwords, "COST", 2)
    client = client_on_each
    login_flow(client)
    flow_of(client, "codes", ("authenticator/static", {"token_count": 3}), designation="stage_configuration")
    flow_of(client, "app", ("authenticator/totp", {"digits": "6"}), designation="stage_configuration")
    return client


@pytest.fixture
def browser(client):
    """A browser in which jane has logged in."""
    return Browser(client).log_in()


def asked_for(client, **validation):
    """Make a login without a password that asks for a device. :returns: a browser at that stage"""
    flow_of(
        client,
        "proof",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/validate", validation),
        ("user_login", {}),
    )
    return at_proof(client)


def at_proof(client, cookies=()):
    browser = Browser(client)
    browser.cookies.update(cookies)
    assert browser.post("proof", uid_field="jane").status == 302
    return browser


def codes_of(browser):
    """Set up static codes."""
    codes = browser.get("codes").json()["codes"]
    assert browser.post("codes").json()["component"] == "xak-flow-redirect"
    return codes


def app_of(browser):
    """Set up an app with one-time passwords. :returns: the app"""
    url = urlsplit(browser.get("app").json()["config_url"])
    assert (url.scheme, url.netloc) == ("otpauth", "totp")
    app = pyotp.TOTP(parse_qs(url.query)["secret"][0])
    assert browser.post("app", code=int(app.at(determinism.now()))).json()["component"] == "xak-flow-redirect"
    return app


def errors_of(answer):
    return {name: [error["string"] for error in found] for name, found in answer.json()["response_errors"].items()}


def logged_in(browser, **answer):
    """Whether an answer at the proof logs jane in."""
    return browser.post("proof", **answer).status == 302 and browser.get("proof").json() == {
        "component": "xak-flow-redirect",
        "to": "/",
    }


def test_a_static_code_is_valid_once(client, browser):
    first, second, _ = codes_of(browser)
    proof = asked_for(client)
    assert proof.get("proof").json()["device_challenges"] == [
        {"device_class": "static", "device_uid": "1", "challenge": {}}
    ]
    assert logged_in(proof, code=f" {first} ")
    assert proof.me().json()["user"]["username"] == "jane"
    again = at_proof(client)
    again.get("proof")
    assert errors_of(again.post("proof", code=first)) == {"code": [WRONG_CODE]}
    assert errors_of(again.post("proof", code=second)) == {"code": [WRONG_CODE]}, "a device refuses after a failure"


def test_wrong_codes_are_refused_for_twice_as_long_each_time(client, browser, clock):
    first, *_ = codes_of(browser)
    proof = asked_for(client)
    proof.get("proof")
    for seconds in (1, 2, 4):
        assert errors_of(proof.post("proof", code="wrong")) == {"code": [WRONG_CODE]}
        clock[0] += seconds - 0.5
        assert errors_of(proof.post("proof", code=first)) == {"code": [WRONG_CODE]}
        clock[0] += 0.5
    assert logged_in(proof, code=first)


def test_a_one_time_password_is_valid_once_and_for_a_minute_and_a_half(client, browser, clock):
    app = app_of(browser)
    proof = asked_for(client)
    proof.get("proof")
    used = app.at(clock[0])
    assert errors_of(proof.post("proof", code=used)) == {"code": [WRONG_CODE]}, "it was used to set up the device"
    clock[0] += 60
    for moment in (clock[0] - 60, clock[0] + 60):
        assert errors_of(proof.post("proof", code=app.at(moment))) == {"code": [WRONG_CODE]}
        clock[0] += 10
    later = app.at(clock[0] + 30)
    assert logged_in(proof, code=later)
    again = at_proof(client)
    again.get("proof")
    for code in (later, app.at(clock[0])):
        assert errors_of(again.post("proof", code=code)) == {"code": [WRONG_CODE]}
        clock[0] += 2


def test_a_wrong_code_sets_no_app_up(client, browser, clock):
    secret = parse_qs(urlsplit(browser.get("app").json()["config_url"]).query)["secret"][0]
    right = int(pyotp.TOTP(secret).at(clock[0]))
    for code in ("abc", "", "1.5", 1.5, True, "9" * 5000):
        assert errors_of(browser.post("app", code=code)) == {"code": ["A valid integer is required."]}, code
    assert errors_of(browser.post("app")) == {"code": ["This field is required."]}
    assert errors_of(browser.post("app", code=(right + 1) % 1_000_000)) == {"code": ["Code does not match"]}
    assert errors_of(browser.post("app", code=right)) == {"code": ["Code does not match"]}, "too early"
    clock[0] += 1
    assert secret in browser.get("app").json()["config_url"], "the secret stays"
    assert client.store.devices.of(key_of(client.user)) == []
    assert browser.post("app", code=f"{right:06}").json()["component"] == "xak-flow-redirect"


def test_a_prepared_device_belongs_to_the_user_who_has_seen_it(client, browser):
    seen = browser.get("codes").json()["codes"]
    other = client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"}).json()["pk"]
    client.post(f"{API}/core/users/{other}/set_password/", {"password": PASSWORD})
    browser.post("login", uid_field="joe")
    assert browser.post("login", password=PASSWORD).status == 302
    assert browser.get("login").json()["component"] == "xak-flow-redirect"
    assert browser.me().json()["user"]["username"] == "joe"
    assert not set(seen) & set(browser.get("codes").json()["codes"])


def test_a_user_has_at_most_twenty_devices_of_a_kind(client, browser):
    for _ in range(20):
        codes_of(browser)
    browser.get("codes")
    (message,) = errors_of(browser.post("codes"))["non_field_errors"]
    assert message.startswith("You have too many devices of this kind.")
    assert len(client.store.devices.of(key_of(client.user))) == 20
    app_of(browser)


@pytest.mark.parametrize(("slug", "secret"), [("codes", "codes"), ("app", "config_url")])
def test_a_device_that_was_prepared_before_the_login_is_prepared_anew(client, slug, secret):
    kinds = {"codes": "authenticator/static", "app": "authenticator/totp"}
    stage = (kinds[slug], {"digits": "6"} if slug == "app" else {})
    flow_of(client, "open", ("identification", {"user_fields": ["username"]}), stage)
    browser = Browser(client)
    browser.post("open", uid_field="jane")
    seen = browser.get("open").json()[secret]
    browser.log_in()
    assert browser.get(slug).json()[secret] != seen


def test_stages_that_set_devices_up_are_skipped_without_a_user(client):
    for slug in ("codes", "app"):
        for answer in (Browser(client).get(slug), Browser(client).post(slug, code=1)):
            assert answer.json()["component"] == "xak-flow-redirect"


def test_a_user_who_does_not_exist_gets_no_device(client):
    flow_of(
        client,
        "made-up",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/static", {}),
    )
    browser = Browser(client)
    browser.post("made-up", uid_field="nobody")
    assert browser.get("made-up").json()["component"] == "ak-stage-authenticator-static"
    assert browser.post("made-up").json()["component"] == "ak-stage-access-denied"


@pytest.mark.parametrize(("action", "component"), [("skip", "xak-flow-redirect"), ("deny", "ak-stage-access-denied")])
def test_a_user_without_a_device_goes_on_or_is_denied_as_the_stage_says(client, action, component):
    proof = asked_for(client, not_configured_action=action)
    answer = proof.get("proof")
    answer = proof.get("proof") if answer.status == 302 else answer
    assert answer.json()["component"] == component
    assert answer.json().get("error_message") in (None, "No (allowed) MFA authenticator configured.")


def set_up_stages(client, count):
    return [
        client.post(
            f"{API}/stages/authenticator/static/", {"name": f"set up {n}", "friendly_name": f"Codes {n}"}
        ).json()["pk"]
        for n in range(count)
    ]


def test_a_user_without_a_device_sets_one_up_in_the_only_stage_for_it(client):
    proof = asked_for(client, not_configured_action="configure", configuration_stages=set_up_stages(client, 1))
    assert proof.get("proof").status == 302
    assert proof.get("proof").json()["component"] == "ak-stage-authenticator-static"
    assert logged_in(proof)
    again = at_proof(client)
    assert again.get("proof").json()["device_challenges"] != []


def test_a_user_without_a_device_chooses_among_several_stages_to_set_one_up(client):
    stages = set_up_stages(client, 2)
    proof = asked_for(client, not_configured_action="configure", configuration_stages=stages)
    challenge = proof.get("proof").json()
    assert challenge["device_challenges"] == []
    assert challenge["configuration_stages"] == [
        {
            "pk": stage,
            "name": f"Codes {number}",
            "verbose_name": "Static Authenticator",
            "meta_model_name": "authentik_stages_authenticator_static.authenticatorstaticstage",
        }
        for number, stage in enumerate(stages)
    ]
    assert errors_of(proof.post("proof", selected_stage="x")) == {"selected_stage": ["Selected stage is invalid"]}
    assert proof.post("proof", selected_stage=stages[1]).status == 302
    assert proof.get("proof").json()["component"] == "ak-stage-authenticator-static"
    assert logged_in(proof)


def test_a_wrong_proof_has_the_message_for_what_is_wrong(client, browser):
    codes_of(browser)
    proof = asked_for(client)
    proof.get("proof")
    other = {"device_class": "totp", "device_uid": "1", "challenge": {}}
    for answer, errors in (
        ({}, {"non_field_errors": ["Empty response"]}),
        ({"selected_challenge": {**other, "device_class": "static"}}, {"non_field_errors": ["Empty response"]}),
        ({"selected_challenge": other}, {"selected_challenge": ["invalid challenge selected"]}),
        ({"selected_stage": "x"}, {"selected_stage": ["Selected stage is invalid"]}),
        ({"duo": 1}, {"duo": ["No compatible device class allowed"]}),
        ({"webauthn": {"id": "x"}}, {"webauthn": ["No compatible device class allowed"]}),
        ({"code": "x", "duo": 1}, {"code": [WRONG_CODE], "duo": ["No compatible device class allowed"]}),
        ({"code": "a\0"}, {"code": ["Null characters are not allowed."]}),
    ):
        assert errors_of(proof.post("proof", **answer)) == errors, answer


def test_a_device_of_a_kind_that_the_stage_does_not_accept_proves_nothing(client, browser, clock):
    codes, app = codes_of(browser), app_of(browser)
    proof = asked_for(client, device_classes=["totp"])
    assert [one["device_class"] for one in proof.get("proof").json()["device_challenges"]] == ["totp"]
    assert errors_of(proof.post("proof", code=codes[0])) == {"code": [WRONG_CODE]}
    clock[0] += 30
    assert logged_in(proof, code=app.at(clock[0]))


def two_proofs(client, first, second):
    """A browser at the first of two stages that ask jane for a device."""
    flow_of(
        client,
        "proof",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/validate", first),
        ("authenticator/validate", {"not_configured_action": "deny", **second}),
        ("user_login", {}),
    )
    return at_proof(client)


@pytest.mark.parametrize("asks", [True, False])
def test_a_stage_to_set_a_device_up_can_be_selected_only_where_it_is_offered(client, asks):
    stages = set_up_stages(client, 2)
    proof = two_proofs(client, {"not_configured_action": "configure", "configuration_stages": stages}, {})
    assert len(proof.get("proof").json()["configuration_stages"]) == 2
    assert proof.post("proof", selected_stage=stages[0]).status == 302
    proof.get("proof")
    assert proof.post("proof").status == 302
    if asks:
        challenge = proof.get("proof").json()
        assert (len(challenge["device_challenges"]), challenge["configuration_stages"]) == (1, [])
    answer = proof.post("proof", selected_stage=stages[1])
    assert errors_of(answer) == {"selected_stage": ["Selected stage is invalid"]}


def test_a_user_with_a_device_selects_no_stage_that_was_offered_to_another_user(client, browser):
    codes_of(browser)
    client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"})
    validation = {"not_configured_action": "configure", "configuration_stages": set_up_stages(client, 2)}
    flow_of(
        client,
        "proof",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/validate", validation),
        ("user_login", {}),
    )
    proof = Browser(client)
    proof.post("proof", uid_field="joe")
    (offered, _) = proof.get("proof").json()["configuration_stages"]
    flow = client.get(f"{API}/flows/instances/proof/").json()["pk"]
    bindings = client.get(f"{API}/flows/bindings/?target={flow}&ordering=order").json()["results"]
    client.patch(f"{API}/flows/bindings/{bindings[1]['pk']}/", {"invalid_response_action": "restart_with_context"})
    proof = Browser(client)
    proof.post("proof", uid_field="joe")
    proof.get("proof")
    assert proof.post("proof", code="wrong").status == 302, "the flow restarts"
    proof.post("proof", uid_field="jane")
    assert proof.post("proof", selected_stage=offered["pk"]).status == 302, "the flow restarts"
    assert proof.get("proof").json()["component"] == "ak-stage-identification"


def test_right_codes_of_one_device_are_no_failures_of_others(client, browser, clock):
    codes, app = codes_of(browser), app_of(browser)
    other = app_of(browser)
    asked_for(client)
    for _ in range(4):
        for each in (app, other):
            clock[0] += 30
            proof = at_proof(client)
            proof.get("proof")
            assert logged_in(proof, code=each.at(clock[0]))
    assert [device.data.get("failures", 0) for device in client.store.devices.of(key_of(client.user))] == [0, 0, 0]
    proof = at_proof(client)
    proof.get("proof")
    assert logged_in(proof, code=codes[0])


def test_a_device_of_another_user_proves_nothing(client, browser):
    codes_of(browser)
    client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"})
    asked_for(client, not_configured_action="deny")
    joe = Browser(client)
    joe.post("proof", uid_field="joe")
    assert joe.get("proof").json()["component"] == "ak-stage-access-denied"


def test_a_device_need_not_be_proven_again_in_the_same_browser_for_as_long_as_the_stage_says(client, browser, clock):
    code, *_ = codes_of(browser)
    proof = asked_for(client, last_auth_threshold="hours=1")
    proof.get("proof")
    answer = proof.post("proof", code=code)
    (cookie,) = [line for line in answer.cookies if line.startswith("authentik_mfa=")]
    assert cookie.partition("; ")[2].endswith("Max-Age=3600; HttpOnly; Path=/; SameSite=Lax")
    kept = {"authentik_mfa": proof.cookies["authentik_mfa"]}
    assert at_proof(client, kept).get("proof").status == 302
    assert at_proof(client).get("proof").json()["component"] == "ak-stage-authenticator-validate"
    forged = {"authentik_mfa": kept["authentik_mfa"][:-3] + "abc"}
    for cookies in (forged, {"authentik_mfa": browser.cookies["authentik_session"]}):
        assert at_proof(client, cookies).get("proof").json()["component"] == "ak-stage-authenticator-validate"
    clock[0] += 3600
    assert at_proof(client, kept).get("proof").json()["component"] == "ak-stage-authenticator-validate"


def test_the_store_keeps_no_static_code_in_clear(client, browser):
    codes = codes_of(browser)
    (device,) = client.store.devices.of(key_of(client.user))
    assert not [code for code in codes if code in device.stored]


def test_a_code_that_two_requests_use_at_once_is_accepted_once(client, browser):
    codes_of(browser)
    (device,) = client.store.devices.of(key_of(client.user))
    client.store.devices.change(device, {**device.data, "x": 1})
    with pytest.raises(SerializationFailure):
        client.store.devices.change(device, {**device.data, "x": 2})


def test_expressions_see_whether_a_user_has_a_device(client, browser):
    codes_of(browser)
    for expression, passes in (
        ("ak_user_has_authenticator(request.user)", True),
        ("ak_user_has_authenticator(request.user, 'static')", True),
        ("ak_user_has_authenticator(request.user, 'totp')", False),
        ("ak_user_has_authenticator(ak_user_by(username='akadmin'))", False),
    ):
        policy = {"name": expression, "expression": f"return {expression}"}
        pk = client.post(f"{API}/policies/expression/", policy).json()["pk"]
        decided = client.post(f"{API}/policies/all/{pk}/test/", {"user": client.user, "context": {}}).json()
        assert decided["passing"] is passes, (expression, decided)
