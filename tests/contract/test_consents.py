"""Consents: kept by consent stages, seen and deleted by users."""

import pytest

from app import determinism, passwords
from tests.executor import API, Browser, flow_of, login_flow

CONSENTS = f"{API}/core/user_consent/"
EXPRESSION = """
from authentik.core.models import Application
context["flow_plan"].context["application"] = Application.objects.get(slug="wiki")
context["flow_plan"].context["consent_permissions"] = [{"id": "read", "name": "Read"}]
return True
"""


@pytest.fixture
def browser(client_on_each, monkeypatch):
    """A browser in which jane has logged in, and an application."""
    monkeypatch.setattr(passwords, "COST", 2)
    login_flow(client_on_each)
    client_on_each.post(f"{API}/core/applications/", {"name": "Wiki", "slug": "wiki"})
    return Browser(client_on_each).log_in()


def asking(browser, expression=EXPRESSION, **stage):
    """Make the flow `ask`, which leads to the application."""
    client = browser.client
    ((_, binding),) = flow_of(client, "ask", ("consent", stage), title="%(app)s")
    policy = client.post(f"{API}/policies/expression/", {"name": "wiki", "expression": expression}).json()["pk"]
    bound = client.post(f"{API}/policies/bindings/", {"target": binding, "policy": policy, "order": 0})
    assert bound.status == 201, bound.body


def consent(browser):
    """Get the challenge, and consent if there is one. :returns: whether it was asked for"""
    challenge = browser.get("ask").json()
    if challenge["component"] != "ak-stage-consent":
        assert challenge == {"component": "xak-flow-redirect", "to": "/"}
        return False
    assert challenge["flow_info"]["title"] == "Wiki"
    assert browser.post("ask", token=challenge["token"]).json()["component"] == "xak-flow-redirect"
    return True


def test_a_permanent_consent_is_given_once_until_it_is_deleted(browser):
    asking(browser, mode="permanent")
    assert [consent(browser) for _ in range(3)] == [True, False, False]
    (kept,) = browser.send("GET", CONSENTS).json()["results"]
    assert (kept["user"]["username"], kept["application"]["slug"], kept["permissions"]) == ("jane", "wiki", "read")
    assert (kept["expires"], kept["expiring"]) == (None, False)
    path = f"{CONSENTS}{kept['pk']}/"
    assert browser.client.get(path).json() == kept
    assert browser.client.get(f"{path}used_by/").json() == []
    browser.client.store.tokens.add("john", secret="john")
    for query in ("", f"?user={browser.user}", f"?user={browser.user}&search=wiki"):
        assert browser.client("GET", CONSENTS + query, token="john").json()["results"] == []
    assert browser.client("DELETE", path, token="john").status == 404
    headers = {"x-authentik-csrf": browser.cookies["authentik_csrf"]}
    assert browser.send("DELETE", path, headers=headers).status == 204
    assert consent(browser)


@pytest.mark.parametrize("permission", ["read all", " read", "a\\u00a0b", "\\t", "50%", "a%20b", "ü", "%"])
def test_a_permission_of_any_text_is_consented_to_once_and_is_no_other(browser, permission):
    both = [permission, "read all  50%"]
    expression = EXPRESSION.replace('{"id": "read"', f'{{"id": "{permission}"')
    more = expression.replace(
        "return True",
        f"""
context["flow_plan"].context["consent_permissions"] = [{{"id": one, "name": one}} for one in ["{both[0]}", "{both[1]}"]]
return True""",
    )
    asking(browser, expression, mode="permanent")
    assert [consent(browser) for _ in range(2)] == [True, False]
    (policy,) = browser.client.get(f"{API}/policies/expression/").json()["results"]
    browser.client.patch(f"{API}/policies/expression/{policy['pk']}/", {"expression": more})
    assert [consent(browser) for _ in range(2)] == [True, False]


def test_a_consent_to_words_is_none_to_the_text_of_them(browser):
    words = EXPRESSION.replace('[{"id": "read", "name": "Read"}]', '[{"id": one, "name": one} for one in ["a", "b"]]')
    asking(browser, words, mode="permanent")
    assert consent(browser)
    (policy,) = browser.client.get(f"{API}/policies/expression/").json()["results"]
    text = words.replace('["a", "b"]', '["a b"]')
    browser.client.patch(f"{API}/policies/expression/{policy['pk']}/", {"expression": text})
    assert consent(browser)


def test_a_consent_expires_as_its_stage_says(browser, monkeypatch):
    asking(browser, mode="expiring", consent_expire_in="hours=1")
    assert [consent(browser) for _ in range(2)] == [True, False]
    moment = determinism.now()
    monkeypatch.setattr(determinism, "now", lambda: moment + 3601)
    assert browser.send("GET", CONSENTS).json()["results"] == []
    assert [consent(browser) for _ in range(2)] == [True, False]


def test_a_stage_that_always_asks_keeps_no_consent(browser):
    asking(browser, mode="always_require")
    assert [consent(browser) for _ in range(2)] == [True, True]
    assert browser.client.get(CONSENTS).json()["results"] == []


@pytest.mark.parametrize("what", ["application", "user"])
def test_a_consent_goes_with_its_application_and_its_user(browser, what):
    asking(browser, mode="permanent")
    consent(browser)
    (kept,) = browser.client.get(f"{CONSENTS}?user={browser.user}").json()["results"]
    found = browser.client.get(f"{CONSENTS}?application={kept['application']['pk']}&search=wiki&ordering=-expires")
    assert found.json()["results"] == [kept]
    browser.client.delete(
        f"{API}/core/applications/wiki/" if what == "application" else f"{API}/core/users/{browser.user}/"
    )
    assert browser.client.get(CONSENTS).json()["results"] == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("from authentik.core.models import Application\nreturn Application.objects.get(slug='no')", "does not exist"),
        ("from authentik.core.models import Application\nreturn Application.objects.get(name='x')", "slug or pk"),
        ("from authentik.core.models import User\nreturn True", "User"),
        ("import authentik.core.models\nreturn True", "can't import"),
        ("context['flow_plan'].context['application'] = 1\nreturn True", "has to be an application"),
    ],
)
def test_an_expression_that_names_no_application_fails(browser, expression, message):
    policy = {"name": "any", "expression": expression}
    made = browser.client.post(f"{API}/policies/expression/", policy).json()["pk"]
    flow_of(browser.client, "ask", ("dummy", {}))
    if "flow_plan" in expression:
        asked = Browser(browser.client)
        (binding,) = browser.client.get(f"{API}/flows/bindings/?search=ask").json()["results"][-1:]
        target = binding["policybindingmodel_ptr_id"]
        browser.client.post(f"{API}/policies/bindings/", {"target": target, "policy": made, "order": 0})
        assert asked.get("ask").json() == {"component": "xak-flow-redirect", "to": "/"}
        return
    body = {"user": browser.user}
    found = browser.client.post(f"{API}/policies/all/{made}/test/", body).json()
    assert not found["passing"]
    assert any(message in text for text in found["messages"])
