"""Running flows: what the recorded scenarios leave out."""

from urllib.parse import quote

import pytest
import sqlalchemy as sa

from app import passwords
from app.errors import Unavailable
from app.executor import run
from app.store.schema.tables import flows, objects
from tests.executor import API, PASSWORD, Browser, flow_of, log_of, login_flow, statements


@pytest.fixture
def client(client_on_each, monkeypatch):
    """A client of a server where passwords are hashed fast."""
    monkeypatch.setattr(passwords, "COST", 2)
    return client_on_each


@pytest.fixture
def browser(client):
    """A browser of a server with a flow for logging in."""
    login_flow(client)
    return Browser(client)


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "/%09/evil.example", "https://evil.example", "http:evil.example",
        "evil.example", "javascript:alert(1)", "?a=b", "#x", "", " /a",
    ],
)  # fmt: skip
def test_a_flow_leads_only_to_paths_of_this_server(client, url):
    flow_of(client, "plain", ("dummy", {}))
    browser = Browser(client)
    query = f"query={quote(f'next={quote(url, safe=chr(37))}')}"
    answer = browser.post("plain", query).json()
    assert (answer["component"], answer["error_message"]) == ("ak-stage-access-denied", "Invalid next URL")
    assert browser.get("plain").json()["component"] == "ak-stage-dummy"


def test_a_flow_leads_to_a_path_of_this_server(client):
    flow_of(client, "plain", ("dummy", {}))
    answer = Browser(client).post("plain", "query=next%3D%252Fapps%252F%253Fa%253Db")
    assert answer.json() == {"component": "xak-flow-redirect", "to": "/apps/?a=b"}


def test_a_denied_flow_leads_only_to_paths_of_this_server(client):
    flow_of(client, "denied", authentication="require_authenticated")
    browser = Browser(client)
    assert browser.get("denied", "query=&next=%2Fa").json() == {"component": "xak-flow-redirect", "to": "/a"}
    for url in ("https://evil.example", "///evil.example", "/%5Cevil.example"):
        assert browser.get("denied", f"query=&next={url}").json()["component"] == "ak-stage-access-denied"


@pytest.mark.parametrize("requirement", ["require_token", "require_redirect", "require_something_new"])
def test_a_flow_whose_requirement_nobody_can_meet_is_denied_to_all(client, requirement):
    login_flow(client)
    flow_of(client, "reserved", ("dummy", {}))
    with client.store.database.write() as session:
        changed = sa.update(flows).where(flows.c.slug == "reserved").values(authentication=requirement)
        session.run(client.store.database.compile(changed))
    browser = Browser(client)
    denied = [browser.get("reserved").json()]
    browser.log_in()
    denied.append(browser.get("reserved").json())
    assert [one["error_message"] for one in denied] == ["Flow does not apply to current user."] * 2


def test_a_stage_of_a_kind_that_can_t_be_run_denies_and_says_so(client):
    flow_of(client, "duo", ("authenticator/duo", {"client_id": "a", "client_secret": "b", "api_hostname": "c"}))
    browser = Browser(client)
    for answer in (browser.get("duo"), browser.post("duo")):
        assert answer.status == 200
        assert answer.json()["error_message"] == (
            "The stage duo 0 is of the kind authentik_stages_authenticator_duo.authenticatorduostage, which can't be run here."
        )


def test_a_policy_of_a_kind_that_can_t_be_evaluated_has_the_result_of_its_binding(client):
    flow_of(client, "asked", ("dummy", {}))
    policy = client.post(f"{API}/policies/reputation/", {"name": "known", "check_ip": True}).json()["pk"]
    later = "authentik_policies_unique_password.uniquepasswordpolicy"
    with client.store.database.write() as session:
        session.run(client.store.database.compile(sa.update(objects).where(objects.c.pk == policy).values(model=later)))
    flow = client.get(f"{API}/flows/instances/asked/").json()["policybindingmodel_ptr_id"]
    bound = {"target": flow, "policy": policy, "order": 0}
    made = client.post(f"{API}/policies/bindings/", bound).json()["pk"]
    denied = Browser(client).get("asked").json()
    assert denied["error_message"] == (
        "The policy known is of the kind authentik_policies_unique_password.uniquepasswordpolicy, which is not evaluated here."
    )
    client.patch(f"{API}/policies/bindings/{made}/", {**bound, "failure_result": True})
    assert Browser(client).get("asked").json()["component"] == "ak-stage-dummy"


def test_a_prompt_stage_denies_by_a_policy_of_a_kind_that_the_contract_lacks(client):
    prompt = {"name": "a", "field_key": "a", "label": "A", "type": "text", "order": 0}
    field = client.post(f"{API}/stages/prompt/prompts/", prompt).json()["pk"]
    policy = client.post(f"{API}/policies/reputation/", {"name": "known", "check_ip": True}).json()["pk"]
    flow_of(client, "asked", ("prompt/stages", {"fields": [field], "validation_policies": [policy]}))
    with client.store.database.write() as session:
        changed = sa.update(objects).where(objects.c.pk == policy).values(model="authentik_policies_later.laterpolicy")
        session.run(client.store.database.compile(changed))
    browser = Browser(client)
    browser.get("asked")
    (error,) = browser.post("asked", a="b").json()["response_errors"]["non_field_errors"]
    assert error["string"] == (
        "The policy known is of the kind authentik_policies_later.laterpolicy, which is not evaluated here."
    )


def test_an_unknown_user_takes_as_long_as_a_known_one(client, monkeypatch):
    hashed = []
    scrypt = passwords.hashlib.scrypt
    monkeypatch.setattr(passwords.hashlib, "scrypt", lambda *a, **k: hashed.append(k["n"]) or scrypt(*a, **k))
    login_flow(client)
    del hashed[:]
    for name in ("jane", "nobody"):
        browser = Browser(client)
        browser.post("login", uid_field=name)
        answer = browser.post("login", password="wrong").json()  # no secret
        assert answer["pending_user"] == name
        assert answer["response_errors"] == {"password": [{"string": "Invalid password", "code": "invalid"}]}
    assert hashed == [passwords.COST] * 2


@pytest.mark.parametrize("typed", ["jane", "jane@example.com"])
def test_an_unknown_user_looks_as_a_known_one(client, typed):
    login_flow(client, user_fields=["username", "email"], pretend_user_exists=True, show_matched_user=False)
    client.patch(f"{API}/core/users/{client.user}/", {"name": "Quite Another"})
    unknown = typed.replace("jane", "june")
    seen = []
    for name in (typed, unknown):
        browser = Browser(client)
        answers = [browser.post("login", uid_field=name), browser.get("login")]
        answers += [browser.post("login", password="wrong") for _ in range(6)]
        seen.append([(answer.status, answer.body.replace(name.encode(), b"?")) for answer in answers])
    assert seen[0] == seen[1]


def test_a_user_who_does_not_exist_can_t_log_in_without_a_password(client):
    flow_of(client, "weak", ("identification", {"user_fields": ["username"]}), ("user_login", {}))
    browser = Browser(client)
    browser.post("weak", uid_field="nobody")
    assert browser.get("weak").json()["error_message"] == "Unknown error"
    assert browser.me().status == 403


def test_wrong_responses_have_the_messages_of_their_schema(browser):
    for body, messages in (
        ({}, {"uid_field": [{"string": "This field is required.", "code": "required"}]}),
        ({"uid_field": " "}, {"uid_field": [{"string": "This field may not be blank.", "code": "blank"}]}),
        ({"uid_field": None}, {"uid_field": [{"string": "This field may not be null.", "code": "null"}]}),
        (
            {"uid_field": "a\0b"},
            {"uid_field": [{"string": "Null characters are not allowed.", "code": "null_characters_not_allowed"}]},
        ),
    ):
        assert browser.post("login", **body).json()["response_errors"] == messages


def test_a_plan_goes_on_while_the_flow_is_renamed_and_changed(browser):
    browser.post("login", uid_field="jane")
    browser.client.patch(f"{API}/flows/instances/login/", {"slug": "renamed", "title": "Now"})
    assert browser.get("login").status == 404
    challenge = browser.get("renamed").json()
    assert (challenge["component"], challenge["flow_info"]["title"]) == ("ak-stage-password", "Now")


def test_a_stage_that_fails_tells_superusers_why_and_nobody_else(client):
    flow_of(client, "failing", ("dummy", {"throw_error": True}))
    failure = Browser(client).get("failing").json()
    assert failure.keys() == {"component", "request_id"}
    told = client.get(f"{API}/flows/executor/failing/").json()
    assert told["error"] == "Test error"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({}, "RuntimeError: Test error"),
        ({"headers": {"accept": "text/csv"}}, "Unacceptable: Could not satisfy the request Accept header."),
        ({"headers": {"authorization": "Bearer wrong"}}, "Forbidden: Token invalid/expired"),
    ],
)
def test_the_log_names_the_stage_and_the_reason_of_each_failure(client, sent, reason):
    flow_of(client, "failing", ("dummy", {"throw_error": True}))
    with log_of(run) as lines:
        failure = Browser(client).send("GET", f"{API}/flows/executor/failing/?query=", **sent).json()
    assert failure["component"] == "ak-stage-flow-error"
    (line,) = [line for line in lines if line["event"] == "stage failed"]
    assert (line["id"], line["flow"], line["reason"]) == (failure["request_id"], "failing", reason)
    assert line["kind"] == "authentik_stages_dummy.dummystage"
    assert line["stage"].startswith("failing")


@pytest.mark.parametrize(("failure", "status"), [(ValueError("a"), 200), (Unavailable("a"), 503)])
def test_a_function_that_fails_on_a_thread_fails_like_one_on_the_event_loop(browser, monkeypatch, failure, status):
    browser.post("login", uid_field="jane")

    def fails(*_):
        raise failure

    monkeypatch.setattr(passwords, "matches", fails)
    response = browser.post("login", password=PASSWORD)
    assert response.status == status
    assert status != 200 or response.json().keys() == {"component", "request_id"}


def test_too_many_wrong_passwords_end_the_flow(browser):
    browser.post("login", uid_field="jane")
    answers = [browser.post("login", password="wrong").json()["component"] for _ in range(5)]  # no secret
    assert answers == ["ak-stage-password"] * 4 + ["ak-stage-access-denied"]
    assert browser.post("login", password=PASSWORD).json()["component"] == "ak-stage-identification"


@pytest.mark.parametrize("backend", ["InbuiltBackend", "TokenBackend"])
def test_an_unknown_user_takes_as_many_statements_as_a_known_one(client, backend):
    login_flow(client)
    (stage,) = client.get(f"{API}/stages/password/").json()["results"]
    client.patch(f"{API}/stages/password/{stage['pk']}/", {"backends": [f"authentik.core.auth.{backend}"]})
    counts = {}
    for who in ("jane", "jane", "nobody"):
        browser = Browser(client)
        browser.get("login")
        counts[who] = [
            statements(lambda browser=browser, who=who: browser.post("login", uid_field=who)),
            statements(lambda browser=browser: browser.get("login")),
            statements(lambda browser=browser: browser.post("login", password="wrong")),  # no secret
        ]
    assert counts["nobody"] == counts["jane"]


@pytest.mark.parametrize("slug", ["login", "missing"])
@pytest.mark.parametrize("size", [1, 10])
def test_a_response_that_is_too_large_is_rejected_and_leaves_the_flow_as_it_is(browser, slug, size):
    before = browser.get("login").json()
    rejected = browser.post(slug, uid_field=size * 1024 * 1024 * "x")
    assert (rejected.status, rejected.headers.get("set-cookie")) == (413, None)
    assert browser.get("login").json() == before


def test_the_responses_may_be_framed_by_this_site_only(browser):
    assert browser.get("login").headers["x-frame-options"] == "SAMEORIGIN"
    assert browser.me().headers["x-frame-options"] == "DENY"


def enrollment(client):
    """Make the flow `enroll`, which asks for a username and a password, and creates the user."""
    prompts = [
        made(client, "prompt/prompts", {"name": key, "field_key": key, "label": key, "type": kind, "order": order})
        for order, (key, kind) in enumerate((("username", "username"), ("password", "password")))
    ]
    stages = (("prompt/stages", {"fields": prompts}), ("user_write", {}), ("user_login", {}))
    flow_of(client, "enroll", *stages, designation="enrollment")


def made(client, kind, body):
    """Make an object below `stages/`. :returns: its key"""
    answer = client.post(f"{API}/stages/{kind}/", {"required": True, **body})
    assert answer.status == 201, answer.body
    return answer.json()["pk"]


def test_an_enrolled_user_is_logged_in_and_can_log_in_later(client):
    enrollment(client)
    login_flow(client)
    browser = Browser(client)
    browser.post("enroll", username="john", password=PASSWORD)
    browser.get("enroll")
    assert browser.get("enroll").json() == {"component": "xak-flow-redirect", "to": "/"}
    assert browser.me().json()["user"]["username"] == "john"
    later = Browser(client)
    later.post("login", uid_field="john")
    later.post("login", password=PASSWORD)
    assert later.get("login").json()["component"] == "xak-flow-redirect"


def test_a_username_that_is_taken_is_refused_by_the_prompt(client):
    enrollment(client)
    login_flow(client)
    answer = Browser(client).post("enroll", username="jane", password=PASSWORD).json()
    assert answer["response_errors"] == {"username": [{"string": "Username is already taken.", "code": "invalid"}]}


def test_typed_passwords_are_in_no_inspection(client):
    enrollment(client)
    browser = Browser(client)
    browser.post("enroll", username="john", password=PASSWORD)
    inspector = f"{API}/flows/inspector/enroll/"
    assert browser.send("GET", inspector).status == 403
    inspected = browser.send("GET", inspector, headers={"authorization": "Bearer root"})
    assert inspected.json()["current_plan"]["plan_context"]["prompt_data"]["username"] == "john"
    assert inspected.json()["plans"][0]["next_planned_stage"]["stage_obj"]["name"] == "enroll 1"
    assert PASSWORD not in inspected.body.decode()


@pytest.mark.parametrize("key", ["password", "password_repeat", "attributes.secret", "attributes.deep.secret"])
def test_a_typed_password_leaves_the_store_when_the_user_is_written_and_is_in_no_inspection(client, key):
    keys = (("username", "username"), ("attributes.town", "text"), (key, "password"))
    prompts = [
        made(client, "prompt/prompts", {"name": kind, "field_key": name, "label": name, "type": kind, "order": order})
        for order, (name, kind) in enumerate(keys)
    ]
    flow_of(client, "enroll", ("prompt/stages", {"fields": prompts}), ("user_write", {}), ("dummy", {}))
    browser = Browser(client)
    browser.post("enroll", username="john", **{"attributes.town": "Rome", key: PASSWORD})
    assert PASSWORD in browser.client.store.sessions.find(browser.digest).state
    seen = browser.send("GET", f"{API}/flows/inspector/enroll/", headers={"authorization": "Bearer root"})
    assert browser.get("enroll").status == 302
    state = browser.client.store.sessions.find(browser.digest).state
    assert PASSWORD not in state
    assert "Rome" in state
    seen = [seen, browser.send("GET", f"{API}/flows/inspector/enroll/", headers={"authorization": "Bearer root"})]
    for inspected in seen:
        assert inspected.status == 200
        assert PASSWORD not in inspected.body.decode()
        assert inspected.json()["current_plan"]["plan_context"]["prompt_data"]["attributes"]["town"] == "Rome"


@pytest.mark.parametrize(
    ("expression", "anonymous", "jane"),
    [
        ("return not request.user.is_authenticated", "first", "second"),
        ("return ak_is_group_member(request.user, name='staff')", "second", "first"),
        ("return request.http_request.META['HTTP_USER_AGENT'] == 'nobody'", "second", "second"),
    ],
)
def test_the_default_flow_is_the_first_whose_expressions_let_the_user_in(browser, expression, anonymous, jane):
    client = browser.client
    client.post(f"{API}/core/groups/", {"name": "staff", "users": [client.user]})
    for slug in ("first", "second"):
        flow_of(client, slug, designation="recovery")
    flow = client.get(f"{API}/flows/instances/first/").json()["pk"]
    policy = client.post(f"{API}/policies/expression/", {"name": "decides", "expression": expression}).json()["pk"]
    assert client.post(f"{API}/policies/bindings/", {"target": flow, "policy": policy, "order": 0}).status == 201

    def found():
        return browser.send("GET", "/flows/-/default/recovery/").headers["location"]

    assert found() == f"/if/flow/{anonymous}/"
    browser.log_in()
    assert found() == f"/if/flow/{jane}/"
    client.patch(f"{API}/core/users/{client.user}/", {"is_active": False})
    assert found() == f"/if/flow/{anonymous}/"


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_a_group_has_the_users_of_the_groups_below_it_at_any_distance(client, depth):
    top = group = client.post(f"{API}/core/groups/", {"name": "top", "attributes": {"a": 1}}).json()["pk"]
    for number in range(depth):
        group = client.post(f"{API}/core/groups/", {"name": f"below {number}", "parent": group}).json()["pk"]
    below = client.post(f"{API}/core/users/", {"username": "below", "name": "", "groups": [group]}).json()["pk"]
    beside = client.post(f"{API}/core/users/", {"username": "beside", "name": "", "groups": []}).json()["pk"]
    identified, last = ("identification", {"user_fields": ["username"]}), ("dummy", {})
    (*_, (_, bound)) = flow_of(client, "grouped", identified, last)
    binding = {"target": bound, "group": top, "order": 0, "policy": None, "user": None}
    assert client.post(f"{API}/policies/bindings/", binding).status == 201
    expression = (
        "user = request.user\nreturn ak_is_group_member(user, name='top') and user.group_attributes()['a'] == 1"
        " and user.ak_groups.count() == 1"
    )
    policy = client.post(f"{API}/policies/expression/", {"name": "in it", "expression": expression}).json()["pk"]
    for name, pk, component in (("below", below, "ak-stage-dummy"), ("beside", beside, "xak-flow-redirect")):
        browser = Browser(client)
        browser.post("grouped", uid_field=name)
        assert browser.get("grouped").json()["component"] == component
        tested = client.post(f"{API}/policies/all/{policy}/test/", {"user": pk}).json()
        assert tested["passing"] == (name == "below"), tested


def test_the_inspector_of_a_session_without_a_plan_has_nothing_to_show(browser):
    answer = browser.client.get(f"{API}/flows/inspector/login/")
    assert (answer.status, answer.body) == (400, b"")
    assert browser.client.get(f"{API}/flows/inspector/nothing/").status == 404


def test_a_consent_is_given_by_the_token_of_the_last_challenge_only(client):
    flow_of(client, "agree", ("consent", {"mode": "always_require"}))
    browser = Browser(client)
    first = browser.get("agree").json()["token"]
    second = browser.post("agree", token=first).json() if browser.get("agree") else {}
    assert second["component"] == "ak-stage-consent"
    assert browser.post("agree", token=second["token"]).json()["component"] == "xak-flow-redirect"


def test_executing_a_flow_begins_it_for_the_caller_in_the_session(client):
    flow_of(client, "mine", ("consent", {"mode": "always_require"}), authentication="require_superuser")
    browser = Browser(client)
    assert browser.get("mine").json()["component"] == "ak-stage-access-denied"
    browser.send("GET", f"{API}/flows/instances/mine/execute/", headers={"authorization": "Bearer root"})
    assert browser.get("mine").json()["pending_user"] == "akadmin"


def test_a_cancelled_flow_begins_again(browser):
    browser.post("login", uid_field="jane")
    answer = browser.send("GET", "/flows/-/cancel/")
    assert (answer.status, answer.headers["location"]) == (302, "/flows/-/default/invalidation/")
    assert browser.get("login").json()["component"] == "ak-stage-identification"
    answer = browser.send("GET", "/flows/-/default/authentication/?next=%2Fa")
    assert answer.headers["location"] == "/if/flow/login/?next=%2Fa"
    assert browser.send("GET", "/flows/-/default/recovery/").status == 404


def test_a_captcha_whose_provider_does_not_respond_is_refused(client):
    keys = {"public_key": "a", "private_key": "b", "api_url": "http://127.0.0.1:9/"}
    flow_of(client, "human", ("captcha", keys))
    answer = Browser(client).post("human", token="x").json()  # no secret
    assert answer["response_errors"] == {"token": [{"string": "Failed to validate token", "code": "invalid"}]}


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**999])
def test_a_number_that_no_session_can_keep_is_refused_by_the_prompt(client, number):
    field = {"name": "n", "field_key": "n", "label": "n", "type": "number", "order": 0}
    flow_of(client, "count", ("prompt/stages", {"fields": [made(client, "prompt/prompts", field)]}), ("dummy", {}))
    browser = Browser(client)
    answer = browser.post("count", n=str(number))
    assert answer.json()["response_errors"] == {"n": [{"string": "A valid integer is required.", "code": "invalid"}]}
    for largest in (2**64 - 1, -(2**63)):
        assert Browser(client).post("count", n=str(largest)).status == 302


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_and_time_beyond_the_calendar_in_utc_is_refused_by_the_prompt(client, moment):
    field = {"name": "t", "field_key": "t", "label": "t", "type": "date-time", "order": 0}
    flow_of(client, "when", ("prompt/stages", {"fields": [made(client, "prompt/prompts", field)]}))
    answer = Browser(client).post("when", t=moment).json()
    assert answer["response_errors"]["t"][0]["string"].startswith("Datetime has wrong format.")


@pytest.mark.parametrize(
    "duration", ["days=3000000", "weeks=99999999;weeks=99999999", "weeks=-99999999;weeks=-99999999", "days=-3000000"]
)
def test_a_login_takes_the_longest_and_the_shortest_duration(browser, duration):
    browser.client.patch(f"{API}/stages/user_login/{browser.login_stage}/", {"session_duration": duration})
    browser.post("login", uid_field="jane")
    browser.post("login", password=PASSWORD)
    assert browser.get("login").json() == {"component": "xak-flow-redirect", "to": "/"}


def test_the_history_of_a_restarted_flow_begins_anew(client):
    field = {"name": "n", "field_key": "n", "label": "n", "type": "text", "order": 0}
    stages = (("prompt/stages", {"fields": [made(client, "prompt/prompts", field)]}), ("deny", {}))
    *_, (_, binding) = flow_of(client, "again", *stages)
    client.patch(f"{API}/flows/bindings/{binding}/", {"invalid_response_action": "restart"})
    browser = Browser(client)
    for _ in range(3):
        assert browser.post("again", n="a").status == 302
        assert browser.get("again").status == 302
    inspected = browser.send("GET", f"{API}/flows/inspector/again/", headers={"authorization": "Bearer root"}).json()
    assert inspected["plans"] == []


def test_a_flow_of_a_logged_in_user_makes_superusers_whether_or_not_it_hashes_a_password(client):
    login_flow(client)
    admins = client.post(f"{API}/core/groups/", {"name": "admins", "is_superuser": True}).json()["pk"]
    fields = [
        made(client, "prompt/prompts", {"name": key, "field_key": key, "label": key, "type": key})
        for key in ("username", "password")
    ]
    writes = {"user_creation_mode": "always_create", "create_users_group": admins}
    for slug, asked in (("plain", fields[:1]), ("hashing", fields)):
        flow_of(client, slug, ("prompt/stages", {"fields": asked}), ("user_write", writes))
        browser = Browser(client).log_in()
        browser.post(slug, username=slug, password=PASSWORD)
        assert browser.get(slug).json() == {"component": "xak-flow-redirect", "to": "/"}


def test_an_invitation_for_one_use_that_another_session_uses_meanwhile_is_invalid(client, monkeypatch):
    flow_of(client, "invited", ("invitation/stages", {}), ("dummy", {}))
    key = made(client, "invitation/invitations", {"name": "once", "single_use": True, "fixed_data": {}})
    remove = client.store.objects.remove

    def remove_after_another(*arguments):
        remove(*arguments)
        remove(*arguments)

    monkeypatch.setattr(client.store.objects, "remove", remove_after_another)
    late = Browser(client).get("invited", f"query=itoken%3D{key}").json()
    assert (late["component"], late["error_message"]) == ("ak-stage-access-denied", "Invalid invite/invite not found")


def test_an_invitation_that_no_database_can_store_is_invalid(client):
    flow_of(client, "invited", ("invitation/stages", {}))
    denied = Browser(client).get("invited", "query=itoken%3D%2500").json()
    assert denied["error_message"] == "Invalid invite/invite not found"


def test_a_stage_of_a_kind_that_the_contract_no_longer_has_denies_and_says_so(client):
    flow_of(client, "old", ("dummy", {}))
    gone = sa.update(objects).where(objects.c.name == sa.bindparam("name_")).values(model=sa.bindparam("model_"))
    with client.store.database.write() as session:
        session.run(client.store.database.compile(gone), {"name_": "old 0", "model_": "gone.kind"})
    assert Browser(client).get("old").json()["error_message"] == (
        "The stage old 0 is of the kind gone.kind, which can't be run here."
    )


@pytest.mark.parametrize("size", ["20000000", "-20000000", "020000000", ".20000000", "*", " 1.5"])
@pytest.mark.parametrize("conversion", ["%(user){}s", "%(app){}s", "{{user}} %{}s %%", "%(user)s%(user){}r"])
def test_a_title_that_asks_for_a_width_or_a_precision_is_shown_as_it_is(browser, conversion, size):
    title = conversion.format(size)
    browser.client.patch(f"{API}/flows/instances/login/", {"title": title})
    assert browser.get("login").json()["flow_info"]["title"] == title


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Hello %(user)s", "Hello AnonymousUser"),
        ("%% 5", "% 5"),
        ("%(app)s%(nope)s", "%(app)s%(nope)s"),
        ("100%", "100%"),
        # Recorded: `basic.title`.
        ("100% sure", "100{'user': 'AnonymousUser', 'app': ''}ure"),
    ],
)
def test_a_title_names_the_user_and_the_application(browser, title, shown):
    browser.client.patch(f"{API}/flows/instances/login/", {"title": title})
    assert browser.get("login").json()["flow_info"]["title"] == shown


def test_a_look_at_the_head_of_a_request_changes_no_session(browser):
    browser.get("login")
    cookies, plan = dict(browser.cookies), browser.store.sessions.find(browser.digest)
    token = {"authorization": "Bearer root"}
    assert browser.send("HEAD", f"{API}/flows/executor/login/?query=").status == 405
    assert browser.send("HEAD", f"{API}/flows/instances/login/execute/", headers=token).status == 200
    assert browser.send("HEAD", "/flows/-/cancel/").status == 302
    assert browser.send("HEAD", "/if/flow/login/").status == 200
    assert (browser.cookies, browser.store.sessions.find(browser.digest)) == (cookies, plan)


def test_a_look_at_the_head_of_a_page_uses_no_invitation_up(client):
    flow_of(client, "invited", ("invitation/stages", {}), ("dummy", {}), designation="enrollment")
    body = {"name": "one", "single_use": True}
    key = client.post(f"{API}/stages/invitation/invitations/", body).json()["pk"]
    assert Browser(client).send("HEAD", f"/if/flow/invited/?itoken={key}").status == 200
    assert Browser(client).get("invited", f"query=itoken%3D{key}").status == 302
