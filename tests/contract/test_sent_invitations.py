"""Invitations that are sent by e-mail, as later versions do."""

from urllib.parse import urlsplit

import pytest

from app.mail_servers import MailServer
from tests.conftest import application, client_of
from tests.executor import API, Browser, flow_of
from tests.mail_servers import mail_server
from tests.serving import wait_for

INVITATIONS = "/stages/invitation/invitations/"
VERSIONS = ["2026.5", "2026.8"]


def invitation(client, **properties):
    """Make the flow `welcome` for the invited, and an invitation. :returns: its key"""
    flow_of(client, "welcome", ("invitation/stages", {}), ("dummy", {}), designation="enrollment")
    flow = client.get(f"{API}/flows/instances/welcome/").json()["pk"]
    return client.post(API + INVITATIONS, {"name": "for-all", "flow": flow, **properties}).json()["pk"]


def send(client, key, version=VERSIONS[0], token="root", **body):
    return client.post(f"/{version}{API}{INVITATIONS}{key}/send_email/", body, token=token)


def outbox(client):
    return client.get("/outbox.json").json()


@pytest.mark.parametrize("version", VERSIONS)
def test_each_address_gets_an_e_mail_of_its_own_whose_link_begins_the_flow(client_on_each, version):
    client = client_on_each
    key = invitation(client, expires="2030-01-02T03:04:05+01:00", single_use=True)
    sent = send(
        client,
        key,
        version,
        email_addresses=["a@example.com", "a@example.com"],
        cc_addresses=["b@example.com", "a@example.com"],
        bcc_addresses=["c@example.com"],
        template="email/invitation.html",
    )
    assert (sent.status, sent.body) == (204, b"")
    mails = outbox(client)
    assert sorted(mail["address"] for mail in mails) == ["a@example.com", "b@example.com", "c@example.com"]
    (mail, *_) = mails
    assert (mail["subject"], mail["state"]) == ("You have been invited to 127.0.0.1:80", "kept")
    assert "until 2030-01-02 02:04 UTC" in mail["plain"]
    assert "until 2030-01-02 02:04 UTC" in mail["html"]
    link = urlsplit(mail["link"])
    assert link.path == "/if/flow/welcome/"
    query = "query=" + link.query.replace("=", "%3D")
    invited = Browser(client)
    assert invited.get("welcome", query).status == 302
    assert invited.get("welcome", query).json()["component"] == "ak-stage-dummy"
    assert Browser(client).get("welcome", query).json()["component"] == "ak-stage-access-denied"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "email_addresses"),
        ({"email_addresses": []}, "email_addresses"),
        ({"email_addresses": "a@example.com"}, "email_addresses"),
        ({"email_addresses": ["a"]}, "email_addresses"),
        ({"email_addresses": ["a@example.com\r\nBcc: b@example.com"]}, "email_addresses"),
        ({"email_addresses": [" a@example.com"]}, "email_addresses"),
        ({"email_addresses": ["A <a@example.com>"]}, "email_addresses"),
        ({"email_addresses": 101 * ["a@example.com"]}, "email_addresses"),
        ({"email_addresses": ["a@example.com"], "cc_addresses": [1]}, "cc_addresses"),
        ({"email_addresses": ["a@example.com"], "template": "email/password_reset.html"}, "template"),
        ({"email_addresses": ["a@example.com"], "template": "../../etc/passwd"}, "template"),
    ],
)
def test_an_invalid_request_is_rejected_and_sends_nothing(client, body, wrong):
    rejected = send(client, invitation(client), **body)
    assert (rejected.status, list(rejected.json())) == (400, [wrong])
    assert outbox(client) == []


def test_an_invitation_for_any_flow_is_not_sent_as_no_page_begins_it(client):
    rejected = send(client, invitation(client, flow=None), email_addresses=["a@example.com"])
    assert rejected.status == 400
    # A fuzzer allows it, as the operation itself describes it.
    described = client.get("/2026.5/api/v3/schema/", query="format=json").json()["paths"]
    post = described["/stages/invitation/invitations/{invite_uuid}/send_email/"]["post"]
    assert rejected.json() == post["responses"]["400"]["content"]["application/json"]["example"]
    assert rejected.json() == {"non_field_errors": ["Invitation has no associated flow"]}


def test_who_may_send_invitations(client):
    key, address = invitation(client), ["a@example.com"]
    permissions = [f"authentik_stages_invitation.{verb}_invitation" for verb in ("view", "add")]
    for number, granted in enumerate([[], permissions[:1], permissions[1:]]):
        client.store.tokens.add(f"t{number}", permissions=granted, secret=f"t{number}")
        assert send(client, key, token=f"t{number}", email_addresses=address).status == 403
    client.store.tokens.add("may", permissions=permissions, secret="may")
    assert send(client, key, token="may", email_addresses=address).status == 204
    assert send(client, "6c0e1f3b-9d52-4a87-8d27-7f645b8e3c1a", email_addresses=address).status == 404


def test_earlier_versions_do_not_have_the_operation(client):
    key = invitation(client)
    for version in ("2024.8", "2026.2"):
        assert send(client, key, version, email_addresses=["a@example.com"]).status == 404


def test_invitations_are_sent_by_the_mail_server_of_the_settings(contract, tmp_path):
    with mail_server() as server:
        settings = {"smtp_url": MailServer("127.0.0.1", server.port), "smtp_from": "me@example.com"}
        with application(f"sqlite:///{tmp_path}/flows.sqlite3", contract, **settings) as (store, app):
            client = client_of(store, app)
            assert send(client, invitation(client), email_addresses=["a@example.com"]).status == 204
            assert server.arrived.wait(10)
            (message,) = server.messages
            assert (message["To"], message["From"]) == ("a@example.com", "me@example.com")
            wait_for(lambda: outbox(client) == [], "the e-mail leaves the outbox")
