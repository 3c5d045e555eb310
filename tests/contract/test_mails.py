"""E-mail stages: what they send, where it goes, and what the link in it does."""

import contextlib
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from app import determinism, passwords
from app.executor import run
from app.mail_servers import MailServer
from app.mail_servers import mail_server as server_of
from app.settings import Settings, SettingsError
from app.store.queries.references import key_of
from app.store.schema.tables import flow_tokens
from tests.asgi import Client
from tests.conftest import application, client_of
from tests.executor import API, PASSWORD, Browser, flow_of, log_of, login_flow, statements
from tests.mail_servers import mail_server
from tests.serving import wait_for

ANSWER = {"non_field_errors": [{"string": "email-sent", "code": "email-sent"}]}


def recovery(client, **stage):
    """Make the user jane, a login, and a flow by which users choose a new password."""
    login_flow(client)
    prompt = {"name": "new", "field_key": "password", "label": "New password", "type": "password", "required": True}
    field = client.post(f"{API}/stages/prompt/prompts/", prompt).json()["pk"]
    flow_of(
        client,
        "recovery",
        ("identification", {"user_fields": ["username", "email"]}),
        ("email", {"use_global_settings": True, "subject": "New password", **stage}),
        ("prompt/stages", {"fields": [field]}),
        ("user_write", {}),
        ("user_login", {}),
        designation="recovery",
    )


@pytest.fixture
def client(client_on_each, monkeypatch):
    """A client of a server where jane may recover her account."""
    monkeypatch.setattr(passwords, "COST", 2)
    recovery(client_on_each)
    return client_on_each


def asked(client, who="jane", query="query="):
    """A browser that waits for the e-mail."""
    browser = Browser(client)
    assert browser.post("recovery", query, uid_field=who).status == 302
    assert browser.get("recovery", query).json()["component"] == "ak-stage-email"
    return browser


def outbox(client):
    return client.get("/outbox.json").json()


def token_in(mail):
    """The query for the executor that the link of an e-mail leads to."""
    link = urlsplit(mail["link"])
    assert link.path == "/if/flow/recovery/"
    return "query=" + link.query.replace("%", "%25").replace("&", "%26").replace("=", "%3D")


def test_a_link_in_an_e_mail_goes_on_in_another_browser_to_a_new_password(client):
    first = asked(client)
    (mail,) = outbox(client)
    assert (mail["address"], mail["name"], mail["subject"], mail["state"]) == (
        "jane@example.com", "Jane", "New password", "kept",
    )  # fmt: skip
    assert mail["link"] in mail["plain"]
    other, query = Browser(client), token_in(mail)
    assert other.get("recovery", query).status == 302
    assert other.get("recovery", query).json()["component"] == "ak-stage-prompt"
    assert other.post("recovery", query, password="another one").status == 302
    other.get("recovery", query)
    answer = other.get("recovery", query).json()
    assert answer == {"component": "xak-flow-redirect", "to": "/"}
    assert other.me().json()["user"]["username"] == "jane"
    assert first.me().status == 403
    login = Browser(client)
    login.post("login", uid_field="jane")
    assert login.post("login", password="another one").status == 302


def test_a_link_is_valid_once(client):
    asked(client)
    query = token_in(outbox(client)[0])
    assert Browser(client).get("recovery", query).status == 302
    with log_of(run) as lines:
        assert Browser(client).get("recovery", query).json()["component"] == "ak-stage-identification"
    (line,) = [line for line in lines if line["event"] == "link not valid"]
    assert line["reason"].startswith("The link was used before, is too old, or is not one of this flow.")


@pytest.mark.parametrize("headers", [{"authorization": "Bearer wrong"}, {"accept": "text/csv"}])
def test_a_request_that_is_refused_does_not_use_the_link_up(client, headers):
    asked(client)
    query = token_in(outbox(client)[0])
    refused = Browser(client).send("GET", f"{API}/flows/executor/recovery/?{query}", headers=headers)
    assert refused.status != 302
    assert Browser(client).get("recovery", query).status == 302


def test_a_look_at_the_head_of_a_link_does_not_use_it_up(client):
    asked(client)
    link, query = urlsplit(outbox(client)[0]["link"]), token_in(outbox(client)[0])
    assert Browser(client).send("HEAD", f"{link.path}?{link.query}").status == 200
    assert Browser(client).send("HEAD", f"{API}/flows/executor/recovery/?{query}").status == 405
    assert Browser(client).get("recovery", query).status == 302


def test_a_link_is_valid_as_long_as_the_stage_says(client, monkeypatch):
    asked(client)
    query, now = token_in(outbox(client)[0]), determinism.now
    monkeypatch.setattr(determinism, "now", lambda: now() + 31 * 60)
    assert Browser(client).get("recovery", query).json()["component"] == "ak-stage-identification"


@pytest.mark.parametrize("minutes", [-(2**31), -1, 2**31 - 1])
def test_a_link_has_any_lifetime_that_a_stage_can_have(client, minutes):
    flow_of(
        client,
        "long",
        ("identification", {"user_fields": ["username"]}),
        ("email", {"use_global_settings": True, "token_expiry": minutes}),
    )
    browser = Browser(client)
    browser.post("long", uid_field="jane")
    assert browser.get("long").json()["component"] == "ak-stage-email"


def test_a_link_is_valid_for_its_flow_only(client):
    asked(client)
    query = token_in(outbox(client)[0])
    assert Browser(client).get("login", query).json()["component"] == "ak-stage-identification"
    assert Browser(client).get("recovery", query).status == 302


@pytest.mark.parametrize("token", ["", "x", "%2500", "%ff"])
def test_a_link_with_another_token_begins_the_flow(client, token):
    answer = Browser(client).get("recovery", f"query=flow_token%3D{token}")
    assert answer.json()["component"] == "ak-stage-identification"


def test_a_new_password_ends_the_links_in_earlier_e_mails(client):
    asked(client)
    client.post(f"{API}/core/users/{client.user}/set_password/", {"password": PASSWORD})
    query = token_in(outbox(client)[0])
    assert Browser(client).get("recovery", query).json()["component"] == "ak-stage-identification"


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"is_active": False}])
def test_a_link_ends_when_the_address_changes_or_the_user_may_not_log_in(client, change):
    asked(client)
    query, key = token_in(outbox(client)[0]), f"{API}/core/users/{client.user}/"
    assert client.patch(key, change).status == 200
    assert Browser(client).get("recovery", query).json()["component"] == "ak-stage-identification"
    client.patch(key, {"email": "jane@example.com", "is_active": True})
    assert Browser(client).get("recovery", query).json()["component"] == "ak-stage-identification"


def test_a_link_outlives_other_changes_of_the_user(client):
    asked(client)
    client.patch(f"{API}/core/users/{client.user}/", {"name": "Jane Doe", "attributes": {"a": 1}})
    assert Browser(client).get("recovery", token_in(outbox(client)[0])).status == 302


def test_a_link_keeps_the_parameters_of_its_page(client):
    asked(client, query="query=next%3D%252Fapps%252F%26flow_token%3Dx")
    query = dict(parse_qsl(urlsplit(outbox(client)[0]["link"]).query))
    assert (query["next"], len(query["flow_token"])) == ("/apps/", 64)


def test_the_first_request_sends_one_e_mail_and_each_response_another(client):
    browser = asked(client)
    browser.get("recovery")
    assert len(outbox(client)) == 1
    assert browser.post("recovery").json()["response_errors"] == ANSWER
    assert len({mail["link"] for mail in outbox(client)}) == 2


def test_users_who_do_not_exist_or_have_no_address_are_not_told_so(client):
    client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"})
    told = asked(client).get("recovery").json()
    for who in ("nobody", "joe"):
        browser = asked(client, who)
        assert browser.get("recovery").json() == told
        assert browser.post("recovery").json()["response_errors"] == ANSWER
    assert [mail["name"] for mail in outbox(client)] == ["Jane"]


def test_users_who_do_not_exist_or_have_no_address_take_as_many_statements(client):
    client.post(f"{API}/core/users/", {"username": "joe", "name": "Joe"})
    counts = {}
    for who in ("jane", "jane", "nobody", "joe"):
        browser = Browser(client)
        browser.get("recovery")
        counts[who] = [
            statements(lambda browser=browser, who=who: browser.post("recovery", uid_field=who)),
            statements(lambda browser=browser: browser.get("recovery")),
            statements(lambda browser=browser: browser.post("recovery")),
        ]
    assert counts["nobody"] == counts["joe"] == counts["jane"]


def test_an_e_mail_needs_a_user(client):
    flow_of(client, "nobody", ("email", {"use_global_settings": True}))
    assert Browser(client).get("nobody").json()["component"] == "ak-stage-access-denied"
    assert Browser(client).post("nobody").json()["component"] == "ak-stage-email"
    assert outbox(client) == []


def test_a_confirmed_address_makes_the_user_active_if_the_stage_says_so(client):
    flow_of(
        client,
        "confirm",
        ("identification", {"user_fields": ["username"]}),
        (
            "email",
            {
                "use_global_settings": True,
                "activate_user_on_success": True,
                "template": "email/account_confirmation.html",
            },
        ),
    )
    client.patch(f"{API}/core/users/{client.user}/", {"is_active": False})
    browser = Browser(client)
    browser.post("confirm", uid_field="jane")
    browser.get("confirm")
    (mail,) = outbox(client)
    assert "Confirm the address" in mail["html"]
    query = "query=" + urlsplit(mail["link"]).query.replace("=", "%3D")
    assert Browser(client).get("confirm", query).json()["component"] == "xak-flow-redirect"
    assert client.get(f"{API}/core/users/{client.user}/").json()["is_active"] is True


def test_names_are_escaped_in_the_html_of_an_e_mail(client):
    client.patch(f"{API}/core/users/{client.user}/", {"name": "<b>Jane"})
    asked(client)
    (mail,) = outbox(client)
    assert "&lt;b&gt;Jane" in mail["html"]
    assert "<b>Jane" in mail["plain"]


def test_the_store_keeps_no_token_of_a_link_in_its_own_table(client):
    asked(client)
    token = dict(parse_qsl(urlsplit(outbox(client)[0]["link"]).query))["flow_token"]
    with client.store.database.read() as session:
        rows = session.rows(client.store.database.compile(flow_tokens.select()))
    assert rows
    assert token not in repr(rows)


def test_the_newest_e_mail_is_the_first_in_the_outbox(client):
    links = []
    for _ in range(5):
        asked(client)
        links.insert(0, outbox(client)[0]["link"])
    assert [mail["link"] for mail in outbox(client)] == links
    assert len(set(links)) == 5


def test_a_link_in_the_name_of_a_user_is_not_the_link_of_the_e_mail(client):
    client.patch(f"{API}/core/users/{client.user}/", {"name": "See https://evil.example/"})
    asked(client)
    assert urlsplit(outbox(client)[0]["link"]).path == "/if/flow/recovery/"


def test_superusers_alone_see_the_outbox(client):
    asked(client)
    reader = Client(client.app, client.store.tokens.add("reader", permissions=["authentik_flows.view_flow"]))
    anonymous = Client(client.app, "")
    for path in ("/outbox/", "/outbox.json"):
        assert reader.get(path).status == 403
        assert b"/if/flow/recovery/" not in anonymous.get(path).body
    assert reader.delete("/outbox.json").status == 403
    page = client.get("/outbox/")
    assert b"/if/flow/recovery/" in page.body
    assert page.headers["cache-control"] == "no-store"
    assert client.delete("/outbox.json").status == 204
    assert outbox(client) == []


@pytest.fixture
def sending(contract, tmp_path, monkeypatch):
    """Serves an application that sends e-mails, on a new SQLite store. It gets the settings."""
    monkeypatch.setattr(passwords, "COST", 2)

    with contextlib.ExitStack() as stack:

        def serve(**settings):
            started = application(f"sqlite:///{tmp_path}/flows.sqlite3", contract, **settings)
            return client_of(*stack.enter_context(started))

        yield serve


@pytest.mark.parametrize("by_settings", [True, False])
def test_an_e_mail_is_sent_by_the_mail_server_of_the_stage_or_of_the_settings(sending, by_settings):
    with mail_server() as server:
        own = MailServer("127.0.0.1", server.port, "me", "secret")
        client = sending(smtp_url=own if by_settings else None, smtp_from="me@settings.example")
        stage = {"host": "127.0.0.1", "port": server.port, "username": "me", "password": "secret"}
        recovery(client, use_global_settings=by_settings, from_address="me@stage.example", **stage)
        asked(client)
        assert server.arrived.wait(10)
        (message,) = server.messages
        assert message["From"] == ("me@settings.example" if by_settings else "me@stage.example")
        assert (message["To"], message["Subject"]) == ("Jane <jane@example.com>", "New password")
        assert message["Message-ID"].endswith("@settings.example>" if by_settings else "@stage.example>")
        assert parsedate_to_datetime(message["Date"]).utcoffset() is not None
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert any(line.startswith("AUTH PLAIN") for line in server.lines)
        wait_for(lambda: outbox(client) == [], "the e-mail leaves the outbox")


def test_an_e_mail_that_is_not_accepted_is_kept_with_the_reason(sending):
    with mail_server(refused="RCPT") as server:
        client = sending(smtp_url=MailServer("127.0.0.1", server.port))
        recovery(client)
        asked(client)
        (mail,) = wait_for(lambda: [one for one in outbox(client) if one["state"] == "failed"], "the failure")
        assert "no such mailbox" in mail["reason"]
        assert b"no such mailbox" in client.get("/outbox/").body


def test_an_e_mail_to_an_invalid_address_is_kept_with_the_reason(sending):
    with mail_server() as server:
        client = sending(smtp_url=MailServer("127.0.0.1", server.port))
        recovery(client)
        client.store.objects.change("users", key_of(client.user), {"email": "no address"})
        asked(client)
        (mail,) = wait_for(lambda: [one for one in outbox(client) if one["state"] == "failed"], "the failure")
        assert mail["reason"]
        assert server.messages == []


def test_a_subject_has_no_second_line(sending):
    with mail_server() as server:
        client = sending(smtp_url=MailServer("127.0.0.1", server.port))
        recovery(client, subject="New\r\nBcc: all@example.com")
        asked(client)
        assert server.arrived.wait(10)
        (message,) = server.messages
        assert (message["Subject"], message["Bcc"]) == ("New Bcc: all@example.com", None)


ENCODED = [
    "=?utf-8?q?a=0d=0aBcc:_all@example.com=0d=0a=0d=0abody?=",
    "=?utf-8?b?YQ0KQmNjOiBhbGxAZXhhbXBsZS5jb20=?=",
    "=?UTF-8?Q?a=0ABcc:_all@example.com?=",
    "a =?utf-8?q?a=0d?= =?utf-8?q?=0aBcc:_all@example.com?=",
    "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=0d=0aBcc:_all=40example.com=3F=3D?=",
    "==??utf-8?q?a=0d=0aBcc:_all@example.com?=",
    "a\x85Bcc: all@example.com",
    "a\u2028Bcc: all@example.com",
]


@pytest.mark.parametrize("text", ENCODED)
def test_an_encoded_line_break_in_a_subject_or_a_name_makes_no_header(sending, text):
    with mail_server() as server:
        client = sending(smtp_url=MailServer("127.0.0.1", server.port))
        recovery(client, subject=text)
        client.store.objects.change("users", key_of(client.user), {"name": text})
        asked(client)
        assert server.arrived.wait(10)
        (message,) = server.messages
        assert [*message] == ["Subject", "From", "Date", "Message-ID", "To", "MIME-Version", "Content-Type"]
        assert [address.addr_spec for address in message["To"].addresses] == ["jane@example.com"]
        wait_for(lambda: outbox(client) == [], "the e-mail leaves the outbox")


@pytest.mark.parametrize("address", ["=?utf-8?q?a=0d=0aBcc?=@example.com", "a@=?utf-8?q?b=0d=0aBcc:c?=.example"])
def test_an_encoded_word_in_an_address_makes_no_header(sending, address):
    with mail_server() as server:
        client = sending(smtp_url=MailServer("127.0.0.1", server.port))
        recovery(client)
        client.store.objects.change("users", key_of(client.user), {"email": address})
        asked(client)
        wait_for(lambda: [one for one in outbox(client) if one["state"] == "failed"], "the failure")
        assert server.messages == []


def test_links_have_the_public_url(sending):
    client = sending(public_url="https://id.example/auth")
    recovery(client)
    asked(client)
    (mail,) = outbox(client)
    assert mail["link"].startswith("https://id.example/auth/if/flow/recovery/?flow_token=")


def test_the_outbox_keeps_what_would_be_sent(sending):
    client = sending(outbox="on", smtp_url=MailServer("127.0.0.1", 1))
    recovery(client)
    asked(client)
    assert [mail["state"] for mail in outbox(client)] == ["kept"]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 25)),
        ("smtps://a%40b:c%2Fd@mail.example", MailServer("mail.example", 465, "a@b", "c/d", tls=True)),
        ("smtp+starttls://[::1]:2525", MailServer("::1", 2525, starttls=True)),
    ],
)
def test_a_mail_server_is_named_by_a_url(url, server):
    assert server_of(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://a/b",
        "smtp://a?b",
        "smtp://a:x",
        "smtp://a:0",
        "smtp://a:70000",
        "smtp://a b",
        "smtp://a..b",
        "smtp://-a",
        "smtp://%0a",
        "smtp://u@a",
        "smtp://:p@a",
        "smtp://[::1",
        "smtp://" + "a." * 130,
    ],
)
def test_a_url_that_names_no_mail_server_is_rejected(url):
    with pytest.raises(ValueError, match=r"^\w"):
        server_of(url)


SETTINGS = {
    "FLOWS_SMTP_URL": (
        ["smtp://mail", "smtp://my_mail:25", "smtps://u:p@127.0.0.1", "smtp://mail.example.", "smtp://b\u00fccher.example"],
        ["mail.example", "smtp://a b", "smtp://a:0", "smtp://u@a"],
    ),
    "FLOWS_SMTP_FROM": (
        ["a@localhost", "Login <login@id.example>", "<a@b.example>", "B\u00fccher <a@b.example>"],
        ["me", "a@b, c@d", "a@b\nX: y", "@b", "a@", "a b@c", "a@b c", "Login <>", "<", "a@b..c"],
    ),
    "FLOWS_PUBLIC_URL": (
        ["https://id.example", "http://id.example:8080/auth/", "https://[::1]:8443", "HTTPS://ID.example"],
        ["id.example", "ftp://id.example", "javascript://x", "https://a b", "https://id.example:0", "https://u@id.example",
         "https://id.example/a?b", "https://id.example/#a", "https:///a", "https://a..b"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, (good, _) in SETTINGS.items() for text in good])
def test_a_setting_of_e_mails_is_taken(name, text):
    assert Settings.from_environment({name: text})


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, (_, bad) in SETTINGS.items() for text in bad])
def test_a_setting_of_e_mails_that_can_not_be_used_is_one_line_with_its_name_and_an_example(name, text):
    with pytest.raises(SettingsError, match=rf"^{name}: .* can't be used: give an? .* such as [^\n]*\.$") as caught:
        Settings.from_environment({name: text})
    assert "\n" not in str(caught.value)
