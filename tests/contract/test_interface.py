"""The page that runs a flow, without JavaScript: as a client that posts forms."""

import html
import re
from urllib.parse import quote, urlencode

import pytest

from app import passwords
from tests.challenges import ALERTS, CHALLENGES, TYPES, Stub, prompt, visitor_of
from tests.executor import PASSWORD, Visitor, flow_of, login_flow
from tests.forms import form

LOGIN = "/if/flow/login/"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; script-src 'self'"
)


@pytest.fixture
def client(client_on_each, monkeypatch):
    """A client of a server where passwords are hashed fast."""
    monkeypatch.setattr(passwords, "COST", 2)
    return client_on_each


@pytest.fixture
def visitor(client):
    """A visitor of a server with a flow for logging in."""
    login_flow(client)
    return Visitor(client)


@pytest.fixture(scope="module")
def stub(contract):
    """The pages, in front of an executor that asks what a test wants."""
    return Stub(contract)


def test_a_person_logs_in_by_forms_and_gets_where_the_page_was_told_to_lead(visitor):
    visitor.open(f"{LOGIN}?next=/contract/")
    assert "Title of login Username Log in Cancel" in visitor.text
    visitor.submit(uid_field="jane")
    assert "jane Password" in visitor.text
    visitor.submit(password="wrong")
    assert visitor.wrong("password") == ["Invalid password"]
    visitor.submit(password=PASSWORD)
    assert visitor.path == "/contract/"
    assert visitor.me().json()["user"]["username"] == "jane"


def test_the_page_and_the_api_run_the_same_flow_of_a_session(visitor):
    visitor.open(LOGIN)
    visitor.post("login", uid_field="jane")
    assert visitor.get("login").json()["component"] == "ak-stage-password"
    visitor.open(LOGIN).submit(password=PASSWORD)
    assert visitor.me().status == 200


def test_a_flow_goes_on_with_a_session_that_has_a_user(visitor):
    visitor.log_in()
    flow_of(visitor.client, "later", ("dummy", {}), ("consent", {}), ("deny", {"deny_message": "Enough."}))
    visitor.open("/if/flow/later/")
    assert "later 0" in visitor.text
    visitor.submit()
    assert "Continue with this account?" in visitor.text
    visitor.submit()
    assert "Access denied. Enough." in visitor.text


@pytest.mark.parametrize("fields", [{"form_token": None}, {"form_token": ""}, {"form_token": "0" * 64}])
def test_a_form_of_another_site_changes_nothing(visitor, fields):
    visitor.open(LOGIN).submit(uid_field="jane", **fields)
    assert visitor.answer.status == 403
    assert "The form was not accepted" in visitor.text
    assert visitor.get("login").json()["component"] == "ak-stage-identification"
    visitor.submit(uid_field="jane")
    assert visitor.get("login").json()["component"] == "ak-stage-password"


@pytest.mark.parametrize("multipart", [True, False])
@pytest.mark.parametrize(("count", "status"), [(1000, 403), (1001, 413)])
def test_a_form_with_more_than_a_thousand_fields_is_refused_before_it_is_read(visitor, multipart, count, status):
    names = [f"a{n}" for n in range(count)]
    body, headers = form(dict.fromkeys(names, "x"))
    if not multipart:
        headers = {"content-type": "Application/X-WWW-Form-URLencoded; charset=utf-8"}
        body = "&".join(f"{name}=x" for name in names).encode()
    assert visitor.send("POST", LOGIN, headers=headers, body=body).status == status


def test_of_several_cookies_with_the_same_name_the_page_and_the_api_take_the_last(visitor):
    visitor.open(LOGIN)
    visitor.cookies = {"authentik_session": f"other; authentik_session={visitor.cookies['authentik_session']}"}
    visitor.submit(uid_field="jane")
    assert "jane Password" in visitor.text


def test_a_form_of_another_session_or_without_cookies_changes_nothing(visitor):
    page = visitor.open(LOGIN).page
    visitor.cookies.clear()
    visitor.submit(uid_field="jane")
    assert visitor.answer.status == 403
    visitor.page = page
    visitor.submit(uid_field="jane")
    assert visitor.answer.status == 403
    assert visitor.get("login").json()["component"] == "ak-stage-identification"


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "///evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "evil"],
)
def test_the_page_leads_to_no_other_host(visitor, to):
    flow_of(visitor.client, "short", ("dummy", {}))
    visitor.open(f"/if/flow/short/?next={quote(to)}").submit()
    assert "Access denied. Invalid next URL" in visitor.text
    assert "evil" not in visitor.page


@pytest.mark.parametrize("to", ["https://elsewhere.example/path", "http://elsewhere.example"])
def test_an_address_elsewhere_that_a_flow_chooses_is_a_link_and_no_redirect(stub, to):
    stub.ask("xak-flow-redirect", to=to)
    visitor = visitor_of(stub).open(LOGIN)
    assert visitor.answer.status == 200
    assert re.findall(r'href="(http[^"]*)"', visitor.page) == [to]


@pytest.mark.parametrize(
    "to", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a/", "http://[", ""]
)
def test_what_is_no_web_address_is_not_linked(stub, to):
    stub.ask("xak-flow-redirect", to=to)
    visitor = visitor_of(stub).open(LOGIN)
    assert (visitor.answer.status, "not a web address" in visitor.text) == (200, True)
    for component in ("ak-stage-identification", "ak-stage-password"):
        stub.ask(component, **CHALLENGES[component] | {"recovery_url": to, "enroll_url": to})
        page = visitor_of(stub).open(LOGIN).page
        assert not to or f'href="{to}"' not in page


@pytest.mark.parametrize("path", [LOGIN, "/if/flow/nope/"])
def test_no_site_can_show_the_page_in_a_frame_and_no_cache_keeps_it(visitor, path):
    answer = visitor.open(path).answer
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    if path == LOGIN:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert re.search(r"<script[^>]*>[^<]|<style|\bstyle=|\son\w+=", visitor.page) is None


def test_a_flow_that_does_not_exist_is_not_found_and_other_methods_are_not_allowed(visitor):
    assert visitor.open("/if/flow/nope/").answer.status == 404
    assert visitor.send("DELETE", LOGIN).status == 405
    assert visitor.send("HEAD", LOGIN).status == 200
    assert visitor.send("HEAD", "/if/flow/nope/").status == 404


def test_a_form_that_is_too_large_is_rejected(stub):
    visitor = visitor_of(stub).open(LOGIN)
    visitor.submit(uid_field="x" * 2**20)
    assert visitor.answer.status == 413


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_form_changes_nothing(stub, content_type):
    visitor = visitor_of(stub).open(LOGIN)
    del stub.answers[:]
    answer = visitor.send("POST", LOGIN, headers={"content-type": content_type}, body=b"\xff--x\r\n\r\n&=;")
    assert (answer.status, stub.answers) == (403, [])


@pytest.mark.parametrize("component", CHALLENGES)
def test_each_challenge_has_its_page(stub, component):
    stub.ask(component, **CHALLENGES[component])
    visitor = visitor_of(stub).open(LOGIN)
    assert visitor.answer.status == 200
    assert "<b>" not in visitor.page
    assert ("no form for" in visitor.text) == (component == "ak-stage-authenticator-sms")


def test_each_challenge_that_a_stage_asks_is_in_the_tests_above(contract):
    asked = contract.document["components"]["schemas"]["ChallengeTypes"]["discriminator"]["mapping"]
    described = {name: contract.resolve((), {"$ref": to})[1]["description"] for name, to in asked.items()}
    asked = {name for name, text in described.items() if "No stage of this server asks it." not in text}
    assert asked - {"ak-stage-authenticator-duo"} == CHALLENGES.keys()


@pytest.mark.parametrize("component", ["ak-stage-of-tomorrow", "../base", "_parts", "", "ak-source-plex"])
def test_a_challenge_of_an_unknown_component_is_shown_plainly(stub, component):
    stub.ask(component, question="<b>Why?</b>")
    visitor = visitor_of(stub).open(LOGIN)
    assert (visitor.answer.status, '"question": "<b>Why?</b>"' in visitor.text) == (200, True)
    visitor.submit()
    assert stub.answers[-1] == {"component": component}


def test_messages_stand_beside_their_fields_and_the_first_wrong_one_has_the_focus(stub):
    fields = prompt("text", "number", "email")["fields"]
    wrong = {name: [{"string": f"Bad {name}", "code": "invalid"}] for name in ("email", "number", "non_field_errors")}
    stub.ask("ak-stage-prompt", fields=fields)
    visitor = visitor_of(stub).open(LOGIN)
    assert re.findall(r'name="(\w+)"[^>]* autofocus', visitor.page) == ["text"]
    stub.ask("ak-stage-prompt", fields=fields, response_errors=wrong)
    visitor.submit(text="as typed", number="x")
    assert (visitor.wrong("number"), visitor.wrong("email")) == (["Bad number"], ["Bad email"])
    assert "Bad non_field_errors Label of text" in visitor.text
    assert re.findall(r'name="(\w+)"[^>]* autofocus', visitor.page) == ["number"]
    assert visitor.fields["text"] == "as typed"


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in ("separator", "hidden", "static", *ALERTS)])
def test_a_wrong_field_of_each_type_has_the_focus_and_its_message(stub, kind):
    wrong = {kind: [{"string": "Bad", "code": "invalid"}]}
    stub.ask("ak-stage-prompt", **prompt("text", kind) if kind != "text" else prompt(kind), response_errors=wrong)
    page = visitor_of(stub).open(LOGIN).page
    assert re.search(r'aria-describedby="(field-\d)-wrong [^>]*>(?:.|\n)*?id="\1-wrong"><li>Bad</li>', page)
    if "read_only" not in kind:
        assert re.findall(r'name="([\w-]+)"[^>]* autofocus', page) == [kind]


def test_messages_about_no_field_have_the_focus(stub):
    stub.ask("ak-stage-dummy", name="a", response_errors={"nothing": [{"string": "Bad", "code": "invalid"}]})
    assert re.search(
        r'<div class="alert" role="alert" tabindex="-1" autofocus>\s*<p>Bad</p>', visitor_of(stub).open(LOGIN).page
    )


def test_an_e_mail_that_was_sent_again_is_no_error(stub):
    again = {"non_field_errors": [{"string": "email-sent", "code": "email-sent"}]}
    stub.ask("ak-stage-email", response_errors=again)
    visitor = visitor_of(stub).open(LOGIN)
    assert "An e-mail was sent again. Open the link" in visitor.text
    assert "alert" not in visitor.page


def test_a_typed_password_is_not_in_the_page(stub):
    wrong = {"password": [{"string": "Bad", "code": "invalid"}]}
    for component in ("ak-stage-identification", "ak-stage-password", "ak-stage-prompt"):
        stub.ask(component, **CHALLENGES[component], response_errors=wrong)
        visitor = visitor_of(stub).open(LOGIN).submit(password="typed secret")
        assert "Bad" in visitor.page
        assert "typed secret" not in visitor.page


TYPED = {
    "text": "a", "text_area": "b\r\nc", "username": "jane", "email": "a@b.example", "password": "p", "number": "5",
    "checkbox": "true", "radio-button-group": "one", "dropdown": "two", "date": "2026-01-02", "date-time": "2026-01-02T03:04",
    "ak-locale": "de",
}  # fmt: skip
FIXED = {name: name for name in ("text_read_only", "text_area_read_only", "hidden", "static", *ALERTS)}


def test_what_is_typed_into_fields_of_all_types_is_the_response(stub):
    stub.ask("ak-stage-prompt", **prompt(*TYPES))
    visitor_of(stub).open(LOGIN).submit(**TYPED)
    assert stub.answers[-1] == {"component": "ak-stage-prompt", **TYPED, **FIXED}


def test_optional_fields_that_are_left_blank_are_left_out_unless_they_take_blank_text(stub):
    stub.ask("ak-stage-prompt", **prompt(*TYPES))
    # A browser sends no checkbox and no radio button that is not chosen.
    visitor_of(stub).open(LOGIN).submit(**dict.fromkeys(TYPED, "") | {"checkbox": "false", "radio-button-group": None})
    blank = dict.fromkeys(("text", "text_area", "email", "ak-locale", "dropdown"), "")
    assert stub.answers[-1] == {"component": "ak-stage-prompt", "checkbox": "false", **FIXED, **blank}


@pytest.mark.parametrize("name", ["form_token", "form_optional", "component"])
def test_a_prompt_may_have_the_name_of_a_field_of_every_form(stub, name):
    (field,) = prompt("text")["fields"]
    stub.ask("ak-stage-prompt", fields=[{**field, "field_key": name, "initial_value": "before"}])
    visitor = visitor_of(stub).open(LOGIN)
    own = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', visitor.page)
    body = urlencode([*((key, html.unescape(value)) for key, value in own), (name, "typed")]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.send("POST", LOGIN, headers=headers, body=body).status != 403
    assert stub.answers[-1] == {"component": "ak-stage-prompt", name: "typed"}
    assert 'value="before"' in visitor.page


def test_choices_with_labels_are_shown_by_these(stub):
    choices = [{"value": "a", "label": "First"}, {"value": "b", "label": "Second"}]
    for kind in ("dropdown", "radio-button-group"):
        stub.ask("ak-stage-prompt", **prompt(kind, choices=choices, initial_value="b"))
        visitor = visitor_of(stub).open(LOGIN)
        assert "First Second" in visitor.text
        visitor.submit(**{kind: "a"})
        assert stub.answers[-1] == {"component": "ak-stage-prompt", kind: "a"}


@pytest.mark.parametrize("kind", ["static", *ALERTS])
def test_a_text_that_is_only_shown_has_no_input_to_see(stub, kind):
    stub.ask("ak-stage-prompt", **prompt(kind, initial_value="Mind the gap"))
    page = visitor_of(stub).open(LOGIN).page
    assert f'<input type="hidden" name="{kind}" value="Mind the gap">' in page
    assert f"<strong>Label of {kind}</strong> Mind the gap</p>" in page


def test_a_file_is_a_data_url(stub):
    stub.ask("ak-stage-prompt", **prompt("file"))
    visitor = visitor_of(stub).open(LOGIN)
    body, headers = form(visitor.fields, file=("a.txt", "text/plain", b"abc"))
    visitor.send("POST", LOGIN, headers=headers, body=body)
    assert stub.answers[-1] == {"component": "ak-stage-prompt", "file": "data:text/plain;base64,YWJj"}


DEEP = "[" * 300 + "]" * 300


@pytest.mark.parametrize(
    ("component", "typed", "sent"),
    [
        ("ak-stage-authenticator-totp", {"code": "012345"}, {"code": 12345}),
        ("ak-stage-authenticator-totp", {"code": "abc"}, {"code": "abc"}),
        ("ak-stage-authenticator-validate", {"code": "012345"}, {"code": "012345"}),
        ("ak-stage-authenticator-validate", {"webauthn": '{"id": "a"}'}, {"webauthn": {"id": "a"}}),
        ("ak-stage-authenticator-webauthn", {"response": "{"}, {"response": "{"}),
        ("ak-stage-authenticator-webauthn", {"response": DEEP}, {"response": DEEP}),
        ("ak-stage-user-login", {"remember_me": "true"}, {"remember_me": True}),
        ("ak-stage-user-login", {"remember_me": "false"}, {"remember_me": False}),
    ],
)
def test_values_have_the_types_of_the_contract(stub, component, typed, sent):
    stub.ask(component, **CHALLENGES[component])
    visitor = visitor_of(stub).open(LOGIN)
    names = {**dict.fromkeys(("webauthn", "response", "code")), **typed}
    visitor.submit(**names)
    assert stub.answers[-1] == {"component": component, **sent}


@pytest.mark.parametrize(
    ("kind", "initial", "shown"),
    [
        ("date-time", "2026-01-02T03:04:05+01:00", "2026-01-02T02:04"),
        ("date-time", "2026-01-02T03:04:05", "2026-01-02T03:04"),
        ("date-time", "soon", None),
        ("date-time", "0001-01-01T00:00:00+14:00", None),
        ("date", "2026-01-02", "2026-01-02"),
        ("date", "soon", None),
        ("number", "7", "7"),
        ("number", "seven", None),
        ("email", "a@b.example", "a@b.example"),
        ("password", "secret", None),
    ],
)
def test_an_initial_value_is_shown_as_browsers_take_it(stub, kind, initial, shown):
    stub.ask("ak-stage-prompt", **prompt(kind, initial_value=initial))
    assert visitor_of(stub).open(LOGIN).fields.get(kind) == shown


def test_the_secret_for_an_authenticator_app_is_shown_as_qr_code_and_as_text(stub):
    stub.ask("ak-stage-authenticator-totp", **CHALLENGES["ak-stage-authenticator-totp"])
    visitor = visitor_of(stub).open(LOGIN)
    assert "<svg" in visitor.page
    assert "ABCD" in visitor.text
    assert 'href="otpauth://totp/a:jane?secret=ABCD&amp;issuer=a"' in visitor.page
    stub.ask(
        "ak-stage-authenticator-totp",
        **CHALLENGES["ak-stage-authenticator-totp"] | {"config_url": "javascript:alert(1)"},
    )
    assert 'href="javascript' not in visitor_of(stub).open(LOGIN).page


@pytest.mark.parametrize(
    ("background", "shown"),
    [
        ("/media/public/a.png", True),
        ("/static/dist/a.jpg", False),
        ("https://x.example/a.png", False),
        ("//x/media/public/", False),
    ],
)
def test_the_background_is_an_upload_or_none(stub, background, shown):
    stub.ask(
        "ak-stage-dummy", name="a", flow_info={"background": background, "layout": "sidebar_left", "cancel_url": ""}
    )
    page = visitor_of(stub).open(LOGIN).page
    assert '<body class="sidebar_left">' in page
    assert (f'<img class="background" src="{background}"' in page) == shown


def test_a_secret_that_is_too_long_for_a_qr_code_is_shown_as_text(stub):
    stub.ask("ak-stage-authenticator-totp", config_url=f"otpauth://totp/{'x' * 4000}?secret=ABCD")
    visitor = visitor_of(stub).open(LOGIN)
    assert (visitor.answer.status, "ABCD" in visitor.text, "<svg" in visitor.page) == (200, True, False)
