"""Sessions: cookies, CSRF, and what ends them."""

import time

import pytest

from app import determinism, passwords
from app.blueprints.importing import apply
from app.store.queries.people import USERS
from tests.asgi import Client
from tests.conftest import application, client_of
from tests.executor import API, Browser, flow_of, login_flow


@pytest.fixture
def browser(client_on_each, monkeypatch):
    """A browser of a server with a flow for logging in, and the user jane."""
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(client_on_each)
    return Browser(client_on_each)


def test_a_login_changes_the_key_of_the_session_and_the_old_one_is_worth_nothing(browser):
    browser.get("login")
    before = dict(browser.cookies)
    browser.log_in()
    assert browser.cookies["authentik_session"] != before["authentik_session"]
    assert browser.me().status == 200
    browser.cookies = before
    assert browser.me().status == 403


def test_a_cookie_that_this_server_has_not_signed_is_as_none(browser):
    browser.log_in()
    head, claims, signature = browser.cookies["authentik_session"].split(".")
    for forged in (
        "",
        "x",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-2]}AA",
        "eyJhbGciOiJub25lIn0." + claims + ".",
    ):
        browser.cookies["authentik_session"] = forged
        assert browser.me().status == 403
        assert browser.get("login").json()["component"] == "ak-stage-identification"


def test_the_store_keeps_no_session_s_key_in_clear(browser):
    browser.log_in()
    key = browser.key
    with browser.store.database.read() as session:
        rows = session.rows(browser.store.database.compile(browser.sessions))
    assert rows
    assert key not in repr(rows)


def test_a_session_with_a_user_needs_its_csrf_token_to_change_something(browser):
    browser.log_in()
    clear = f"{API}/flows/instances/cache_clear/"
    token = browser.cookies["authentik_csrf"]
    for headers in ({}, {"x-authentik-csrf": "wrong"}, {"x-csrftoken": token}):
        assert browser.send("POST", clear, {}, headers).status == 403
    assert browser.send("POST", clear, {}, {"x-authentik-csrf": token, "origin": "https://evil.example"}).status == 403
    answer = browser.send("POST", clear, {}, {"x-authentik-csrf": token})
    assert answer.json() == {"detail": "You do not have permission to perform this action."}
    assert browser.send("POST", f"{API}/flows/executor/login/", {}).json().keys() == {"component", "request_id"}


def test_a_superuser_s_session_is_a_credential_for_the_whole_api(browser):
    browser.client.post(f"{API}/core/groups/", {"name": "admins", "is_superuser": True, "users": [browser.user]})
    browser.log_in()
    assert browser.send("GET", f"{API}/flows/instances/").status == 200
    made = {"name": "a", "slug": "a", "title": "a", "designation": "authentication"}
    token = browser.cookies["authentik_csrf"]
    assert browser.send("POST", f"{API}/flows/instances/", made, {"x-authentik-csrf": token}).status == 201


@pytest.mark.parametrize("ending", ["deleted", "deactivated", "deactivated by a blueprint", "password"])
def test_a_session_ends_with_what_happens_to_its_user(browser, ending):
    browser.log_in()
    user = f"{API}/core/users/{browser.user}/"
    match ending:
        case "deleted":
            browser.client.delete(user)
        case "deactivated":
            browser.client.patch(user, {"is_active": False})
        case "deactivated by a blueprint":
            entry = "{model: authentik_core.user, identifiers: {username: jane}, attrs: {is_active: false}}"
            assert apply(browser.store, f"entries: [{entry}]".encode()).success
            browser.client.patch(user, {"is_active": True})
        case "password":
            browser.client.post(f"{user}set_password/", {"password": "another"})
    answer = browser.me()
    assert answer.status == 403
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_ends_after_its_time_and_moves_on_while_it_is_used(browser, monkeypatch):
    browser.client.patch(f"{API}/stages/user_login/{browser.login_stage}/", {"session_duration": "minutes=10"})
    browser.log_in()
    moment = determinism.now()
    for minutes in (6, 12, 18):
        monkeypatch.setattr(determinism, "now", lambda minutes=minutes: moment + minutes * 60)
        assert browser.me().status == 200
    monkeypatch.setattr(determinism, "now", lambda: moment + 29 * 60)
    assert browser.me().status == 403


def test_a_session_goes_on_on_another_server_of_the_same_database(engine, contract, database_url, monkeypatch):
    monkeypatch.setattr(passwords, "COST", 2)
    with application(database_url, contract) as first, application(database_url, contract) as second:
        client = client_of(*first)
        login_flow(client)
        browser = Browser(client)
        browser.post("login", uid_field="jane")
        other = client_of_same(second)
        browser.client = other
        assert browser.get("login").json()["component"] == "ak-stage-password"
        browser.log_in()
        assert browser.me().json()["user"]["username"] == "jane"


def client_of_same(made):
    """A client of a second application on a store that is in use."""
    store, app = made
    client = Client(app, "root")
    client.store = store
    return client


def test_a_change_of_an_outdated_session_is_retried(browser):
    browser.get("login")
    stored = browser.store.sessions.find(browser.digest)
    browser.post("login", uid_field="jane")
    with pytest.raises(Exception, match="Another request"):
        browser.store.sessions.change(stored)
    assert browser.get("login").json()["component"] == "ak-stage-password"


@pytest.mark.parametrize("conflicts", [1, 5])
def test_a_request_whose_session_is_changed_meanwhile_is_retried_without_blocking_the_event_loop(
    browser, monkeypatch, conflicts
):
    browser.get("login")
    sessions = browser.store.sessions
    find, left = sessions.find, [conflicts]

    def found_too_early(digest):
        found = find(digest)
        if left[0]:
            left[0] -= 1
            # As another process does between this request's read and its write.
            sessions.change(found)
        return found

    monkeypatch.setattr(sessions, "find", found_too_early)
    if browser.store.database.name == "sqlite":
        monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("blocked the event loop"))
    assert browser.post("login", uid_field="jane").status == 302
    assert browser.get("login").json()["component"] == "ak-stage-password"
    assert not left[0]


def test_expired_sessions_are_deleted_when_another_begins(browser, monkeypatch):
    browser.get("login")
    moment = determinism.now()
    monkeypatch.setattr(determinism, "now", lambda: moment + 3 * 86400)
    Browser(browser.client).get("login")
    with browser.store.database.read() as session:
        assert len(session.rows(browser.store.database.compile(browser.sessions))) == 1


def test_a_client_that_uses_tls_gets_secure_cookies(browser):
    cookie = browser.send("GET", f"{API}/flows/executor/login/", headers={"x-forwarded-proto": "https"}).headers[
        "set-cookie"
    ]
    assert cookie.endswith("HttpOnly; Path=/; SameSite=None; Secure")


def test_users_have_the_time_of_their_last_login(browser):
    assert browser.client.get(f"{API}/core/users/{browser.user}/").json()["last_login"] is None
    browser.log_in()
    assert browser.client.get(f"{API}/core/users/{browser.user}/").json()["last_login"]
    assert browser.store.objects.get(USERS, browser.user)


@pytest.mark.parametrize("again", ["a later request", "a request before and a later one"])
def test_sessions_of_a_deactivated_user_stay_ended_after_a_reactivation(browser, again):
    browser.log_in()
    user, cookies = f"{API}/core/users/{browser.user}/", dict(browser.cookies)
    browser.client.patch(user, {"is_active": False})
    if again != "a later request":
        browser.me()
        browser.cookies = cookies
    browser.client.patch(user, {"is_active": True})
    assert browser.me().status == 403


def test_a_user_who_logs_in_while_deactivated_stays_nobody_after_a_reactivation(browser):
    user = f"{API}/core/users/{browser.user}/"
    flow_of(browser.client, "open", ("identification", {"user_fields": ["username"]}), ("user_login", {}))
    browser.client.patch(user, {"is_active": False})
    browser.post("open", uid_field="jane")
    assert browser.get("open").json() == {"component": "xak-flow-redirect", "to": "/"}
    browser.client.patch(user, {"is_active": True})
    assert browser.me().status == 403


@pytest.mark.parametrize("authorization", [None, "x", "Bearer "])
def test_a_session_whose_user_was_deactivated_elsewhere_runs_flows_as_nobody(browser, authorization):
    browser.log_in()
    browser.store.objects.change(USERS, browser.user, {"is_active": False})
    headers = {} if authorization is None else {"authorization": authorization}
    answer = browser.send("GET", f"{API}/flows/executor/login/?query=", headers=headers)
    assert (answer.status, answer.json()["component"]) == (200, "ak-stage-identification")


SESSIONS = f"{API}/core/authenticated_sessions/"


def test_a_user_sees_own_sessions_only_and_which_one_is_current(browser):
    other = Browser(browser.client)
    for one in (browser, other):
        one.log_in()
    browser.store.tokens.add("john", secret="john")
    found = browser.send("GET", SESSIONS).json()["results"]
    assert sorted(one["current"] for one in found) == [False, True]
    assert {one["user"] for one in found} == {browser.user}
    (current,) = (one for one in found if one["current"])
    assert browser.send("GET", f"{SESSIONS}{current['uuid']}/").json() == current
    assert other.send("GET", f"{SESSIONS}{current['uuid']}/").json() == {**current, "current": False}
    seen = browser.client.get(f"{SESSIONS}?user__username=jane&ordering=-last_used").json()
    assert seen["pagination"]["count"] == 2
    assert browser.client.get(f"{SESSIONS}?user__username=john").json()["results"] == []
    assert browser.client("GET", SESSIONS, token="john").json()["results"] == []
    assert browser.client("GET", f"{SESSIONS}{current['uuid']}/", token="john").status == 404
    assert browser.client("DELETE", f"{SESSIONS}{current['uuid']}/", token="john").status == 404


def test_the_sessions_of_a_user_are_connected_with_the_user(browser):
    browser.log_in()
    (only,) = browser.client.get(SESSIONS).json()["results"]
    (use,) = browser.client.get(f"{API}/core/users/{browser.user}/used_by/").json()
    assert (use["model_name"], use["pk"], use["action"]) == ("authenticatedsession", only["uuid"], "cascade")


def test_a_session_of_nobody_or_of_the_past_is_not_listed(browser, monkeypatch):
    Browser(browser.client).get("login")
    assert browser.client.get(SESSIONS).json()["results"] == []
    browser.log_in()
    (only,) = browser.client.get(SESSIONS).json()["results"]
    moment = determinism.now()
    monkeypatch.setattr(determinism, "now", lambda: moment + 15 * 86400)
    assert browser.client.get(SESSIONS).json()["results"] == []
    assert browser.client.get(f"{SESSIONS}{only['uuid']}/").status == 404


def test_a_deleted_session_is_logged_out_and_others_go_on(browser):
    other = Browser(browser.client)
    for one in (browser, other):
        one.log_in()
    (ended,) = (one["uuid"] for one in browser.send("GET", SESSIONS).json()["results"] if one["current"])
    token = other.cookies["authentik_csrf"]
    assert other.send("DELETE", f"{SESSIONS}{ended}/").status == 403
    assert other.send("DELETE", f"{SESSIONS}{ended}/", headers={"x-authentik-csrf": token}).status == 204
    assert other.send("DELETE", f"{SESSIONS}{ended}/", headers={"x-authentik-csrf": token}).status == 404
    assert browser.me().status == 403
    assert other.me().status == 200
