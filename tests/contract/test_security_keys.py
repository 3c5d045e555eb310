"""WebAuthn devices: how users set them up, and how they prove to have one, or who they are."""

import pytest

from app import passwords
from app.store.queries.references import key_of
from tests.executor import API, Browser, flow_of, login_flow
from tests.security_keys import SecurityKey

ORIGIN = "http://127.0.0.1:80"  # of a client without a host


@pytest.fixture
def client(client_on_each, monkeypatch):
    """A client of a server with the user jane, and a flow that sets security keys up."""
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(client_on_each)
    flow_of(client_on_each, "key", ("authenticator/webauthn", {}), designation="stage_configuration")
    return client_on_each


@pytest.fixture
def browser(client):
    """A browser in which jane has logged in."""
    return Browser(client).log_in()


def registered(browser, key, slug="key"):
    """Set a security key up. :returns: the answer"""
    options = browser.get(slug).json()["registration"]
    return browser.post(slug, response=key.create(options))


def at_proof(client, **validation):
    """A browser at a stage that asks jane for a device, after a login flow for that was made."""
    flow_of(
        client,
        "proof",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/validate", validation),
        ("user_login", {}),
    )
    browser = Browser(client)
    browser.post("proof", uid_field="jane")
    return browser


def options_of(answer):
    (challenge,) = answer.json()["device_challenges"]
    assert challenge["device_class"] == "webauthn"
    return challenge["challenge"]


def message_of(answer):
    ((error,),) = answer.json()["response_errors"].values()
    return error["string"]


def test_a_security_key_logs_a_user_in(client, browser):
    key = SecurityKey(ORIGIN)
    options = browser.get("key").json()["registration"]
    assert (options["rp"], options["user"]["name"]) == ({"name": "authentik", "id": "127.0.0.1"}, "jane")
    assert registered(browser, key).json()["component"] == "xak-flow-redirect"
    proof = at_proof(client)
    options = options_of(proof.get("proof"))
    assert [one["id"] for one in options["allowCredentials"]] == [key.get(options)["id"]]
    assert proof.post("proof", webauthn=key.get(options)).status == 302
    assert proof.get("proof").json() == {"component": "xak-flow-redirect", "to": "/"}
    assert proof.me().json()["user"]["username"] == "jane"


def test_a_security_key_says_who_the_user_is(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    flow_of(client, "passwordless", ("authenticator/validate", {"device_classes": ["webauthn"]}), ("user_login", {}))
    other = Browser(client)
    options = options_of(other.get("passwordless"))
    assert options["allowCredentials"] == []
    assert message_of(other.post("passwordless", webauthn=SecurityKey(ORIGIN, b"x").get(options))) == "Invalid device"
    assert other.post("passwordless", webauthn=key.get(options)).status == 302
    assert other.get("passwordless").json() == {"component": "xak-flow-redirect", "to": "/"}
    assert other.me().json()["user"]["username"] == "jane"


def test_a_security_key_of_a_deactivated_user_says_nothing(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    flow_of(client, "passwordless", ("authenticator/validate", {"device_classes": ["webauthn"]}), ("user_login", {}))
    client.patch(f"{API}/core/users/{client.user}/", {"is_active": False})
    other = Browser(client)
    options = options_of(other.get("passwordless"))
    assert message_of(other.post("passwordless", webauthn=key.get(options))) == "Invalid device"


@pytest.mark.parametrize("asks", [True, False])
def test_a_security_key_proves_nothing_to_a_stage_that_does_not_accept_it(client, browser, asks):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    flow_of(client, "codes", ("authenticator/static", {}), designation="stage_configuration")
    code, *_ = browser.get("codes").json()["codes"]
    browser.post("codes")
    flow_of(
        client,
        "proof",
        ("identification", {"user_fields": ["username"]}),
        ("authenticator/validate", {"device_classes": ["static", "webauthn"]}),
        ("authenticator/validate", {"device_classes": ["static"]}),
        ("user_login", {}),
    )
    proof = Browser(client)
    proof.post("proof", uid_field="jane")
    offers = {one["device_class"]: one["challenge"] for one in proof.get("proof").json()["device_challenges"]}
    assert proof.post("proof", code=code).status == 302
    if asks:
        proof.get("proof")
    answer = proof.post("proof", webauthn=key.get(offers["webauthn"]))
    assert message_of(answer) == "No compatible device class allowed"


@pytest.mark.parametrize("designation", ["authentication", "stage_configuration"])
def test_a_flow_asks_nobody_for_a_device_that_can_t_say_who_the_user_is(client, designation):
    classes = ["totp"] if designation == "authentication" else ["webauthn"]
    flow_of(client, "asks", ("authenticator/validate", {"device_classes": classes}), designation=designation)
    assert Browser(client).get("asks").json()["component"] == "xak-flow-redirect"


def test_a_credential_is_known_once(client, browser):
    registered(browser, SecurityKey(ORIGIN))
    assert message_of(registered(browser, SecurityKey(ORIGIN))) == "Credential ID already exists."


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda response: {}, "id"),
        (lambda response: {**response, "response": {}}, "clientDataJSON"),
        (lambda response: {**response, "response": {**response["response"], "attestationObject": "AAAA"}}, ""),
        (lambda response: {**response, "type": 1}, ""),
        (lambda response: {**response, "id": "\0"}, ""),
    ],
)
def test_a_registration_that_is_no_registration_says_why(browser, change, part):
    key = SecurityKey(ORIGIN)
    response = key.create(browser.get("key").json()["registration"])
    message = message_of(browser.post("key", response=change(response)))
    assert message.startswith("Registration failed. Error: ")
    assert part in message


def test_a_registration_is_valid_for_its_challenge_and_origin_only(browser):
    options = browser.get("key").json()["registration"]
    browser.get("key")
    for response in (
        SecurityKey(ORIGIN).create(options),
        SecurityKey("http://evil.example").create(browser.get("key").json()["registration"]),
    ):
        assert message_of(browser.post("key", response=response)).startswith("Registration failed. Error: ")


def test_each_challenge_for_a_registration_is_a_new_one(browser):
    first = browser.get("key").json()["registration"]
    refused = browser.post("key", response={}).json()["registration"]
    again = browser.get("key").json()["registration"]
    assert len({options["challenge"] for options in (first, refused, again)}) == 3


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_flow_ends_after_as_many_wrong_registrations_as_its_stage_allows(client, browser, most):
    path = "stages/authenticator/webauthn/"
    (stage,) = client.get(f"/2025.8{API}/{path}").json()["results"]
    client.patch(f"/2025.8{API}/{path}{stage['pk']}/", {"max_attempts": most})
    for round_ in range(2):
        browser.get("key")
        answers = [browser.post("key", response={}).json() for _ in range(most or 3)]
        assert {answer["component"] for answer in answers[:-1]} <= {"ak-stage-authenticator-webauthn"}, round_
        ends = answers[-1]["component"] == "ak-stage-access-denied"
        assert ends is (most > 0)
        assert not ends or answers[-1]["error_message"].startswith("Exceeded maximum attempts.")


def test_a_stage_that_requires_verified_users_takes_no_key_that_does_not_verify_them(client, browser):
    flow_of(client, "strict", ("authenticator/webauthn", {"user_verification": "required"}))
    key = SecurityKey(ORIGIN, verifies=False)
    assert message_of(registered(browser, key, "strict")).startswith("Registration failed.")
    registered(browser, key)
    proof = at_proof(client, webauthn_user_verification="required")
    assert message_of(proof.post("proof", webauthn=key.get(options_of(proof.get("proof"))))) == "Assertion failed"


def test_a_proof_is_valid_for_its_challenge_origin_and_key_only(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    proof = at_proof(client)
    old = options_of(proof.get("proof"))
    options = options_of(proof.get("proof"))
    other = SecurityKey(ORIGIN)
    for response in (
        key.get(old),
        other.get(options),
        {**key.get(options), "response": {}},
        {"id": key.get(options)["id"]},
    ):
        assert message_of(proof.post("proof", webauthn=response)) == "Assertion failed"
    key.origin = "http://evil.example"
    assert message_of(proof.post("proof", webauthn=key.get(options))) == "Assertion failed"
    for response in ({"id": "x"}, {"id": "\0"}, {"id": 7}, {}):
        assert message_of(proof.post("proof", webauthn=response)) == "Invalid device"


def test_a_key_that_counts_backwards_is_a_copy(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    proof = at_proof(client)
    key.count = 10
    assert proof.post("proof", webauthn=key.get(options_of(proof.get("proof")))).status == 302
    again = Browser(client)
    again.post("proof", uid_field="jane")
    key.count = 5
    assert message_of(again.post("proof", webauthn=key.get(options_of(again.get("proof"))))) == "Assertion failed"


def test_a_proof_is_taken_by_one_stage_only(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    flow_of(client, "twice", ("authenticator/validate", {}), ("authenticator/validate", {}))
    response = key.get(options_of(browser.get("twice")))
    assert browser.post("twice", webauthn=response).status == 302
    assert message_of(browser.post("twice", webauthn=response)) == "No compatible device class allowed"


def test_the_key_of_another_user_proves_nothing(client, browser):
    key = SecurityKey(ORIGIN)
    registered(browser, key)
    joe = client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"}).json()["pk"]
    client.store.devices.add(key_of(joe), "webauthn", "", {"public_key": "", "sign_count": 0}, "am9l")
    at_proof(client)
    proof = Browser(client)
    proof.post("proof", uid_field="joe")
    assert message_of(proof.post("proof", webauthn=key.get(options_of(proof.get("proof"))))) == "Invalid device"
