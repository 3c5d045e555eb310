"""Applications: identified by their slugs, and visible to the users whom their policies admit."""

import pytest

from app.blueprints.importing import apply
from tests.executor import API

APPLICATIONS = f"{API}/core/applications/"


@pytest.fixture
def client(client_on_each):
    client_on_each.store.tokens.add("jane", secret="jane")
    client_on_each.store.tokens.add("viewer", secret="viewer", permissions=["authentik_core.view_application"])
    (jane,) = client_on_each.get(f"{API}/core/users/?username=jane").json()["results"]
    client_on_each.jane = jane["pk"]
    return client_on_each


def made(client, slug, **properties):
    answer = client.post(APPLICATIONS, {"name": slug.title(), "slug": slug, **properties})
    assert answer.status == 201, answer.body
    return answer.json()


def bound(client, application, **what):
    answer = client.post(f"{API}/policies/bindings/", {"target": application["pk"], "order": 0, **what})
    assert answer.status == 201, answer.body
    return answer.json()


def slugs(client, query="", **how):
    return [one["slug"] for one in client("GET", f"{APPLICATIONS}?{query}", **how).json()["results"]]


def test_an_application_without_policies_is_for_everyone_and_others_for_those_who_pass(client):
    made(client, "open")
    bound(client, made(client, "closed"), user=client.jane)
    assert slugs(client, token="jane") == ["closed", "open"]
    assert slugs(client) == ["open"]
    assert slugs(client, "superuser_full_list=true") == ["closed", "open"]
    assert slugs(client, "superuser_full_list=true", token="viewer") == ["open"]
    assert slugs(client, f"for_user={client.jane}") == ["closed", "open"]
    assert slugs(client, f"for_user={client.jane}", token="viewer") == ["open"]
    assert client("GET", APPLICATIONS).json()["pagination"]["count"] == 2


def test_policies_deny_an_application_to_all_but_superusers(client):
    bound(client, made(client, "closed"), user=client.jane)
    path = f"{APPLICATIONS}closed/"
    assert client.get(path).status == 200
    assert client("GET", path, token="viewer").status == 403
    assert client("GET", path, token="jane").status == 403  # no permission
    assert client.get(f"{path}check_access/").json() == {"passing": False, "messages": [], "log_messages": []}
    assert client("GET", f"{path}check_access/", token="jane").json()["passing"] is True
    assert client.get(f"{path}check_access/?for_user={client.jane}").json()["passing"] is True
    assert client.get(f"{path}check_access/?for_user=999").json() == {"for_user": "User not found"}


def test_an_expression_decides_about_an_application_with_its_messages(client):
    policy = client.post(
        f"{API}/policies/expression/", {"name": "only jane", "expression": "ak_message('hi')\nreturn False"}
    ).json()
    application = made(client, "wiki")
    bound(client, application, policy=policy["pk"])
    found = client.get(f"{APPLICATIONS}wiki/check_access/").json()
    assert (found["passing"], found["messages"]) == (False, ["hi"])
    again = client.post(f"{API}/policies/bindings/", {"target": application["pk"], "order": 0, "policy": policy["pk"]})
    assert again.json() == {"non_field_errors": ["The fields policy, target, order must make a unique set."]}


def test_a_slug_is_unique_and_may_be_sent_again(client):
    made(client, "one")
    made(client, "two")
    assert client.patch(f"{APPLICATIONS}one/", {"slug": "one"}).status == 200
    taken = {"slug": ["Application with this slug already exists."]}
    assert client.patch(f"{APPLICATIONS}one/", {"slug": "two"}).json() == taken
    assert client.put(f"{APPLICATIONS}one/", {"slug": "two", "name": "x"}).json() == taken
    assert client.patch(f"{APPLICATIONS}one/", {"slug": "three"}).json()["slug"] == "three"
    assert client.get(f"{APPLICATIONS}one/").status == 404


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", None),
        ("https://a.example/", "https://a.example/"),
        ("https://a.example/%(username)s?n=%(name)s", "https://a.example/jane?n=jane"),
        ("https://a.example/%(nope)s/%(username)s", "https://a.example/%(nope)s/%(username)s"),
        ("https://%(username)s.example/100%", "https://jane.example/100%"),
        ("blank://blank", "blank://blank"),
    ],
)
def test_the_url_of_an_application_has_properties_of_the_user(client, url, shown):
    made(client, "wiki", meta_launch_url=url)
    (one,) = client("GET", APPLICATIONS, token="jane").json()["results"]
    assert (one["meta_launch_url"], one["launch_url"]) == (url, shown)
    assert slugs(client, "only_with_launch_url=true") == ([] if shown is None else ["wiki"])


@pytest.mark.parametrize("url", ["x", "javascript:alert(1)", "https://", "//a.example", "https://a b", "http:/a"])
def test_the_url_of_an_application_has_scheme_and_host(client, url):
    answer = client.post(APPLICATIONS, {"name": "x", "slug": "x", "meta_launch_url": url})
    assert answer.json() == {"meta_launch_url": ["Enter a valid URL."]}


def test_a_deleted_application_takes_its_bindings_along(client):
    application = made(client, "wiki")
    binding = bound(client, application, user=client.jane)
    assert client.get(f"{API}/policies/bindings/?target={application['pk']}").json()["pagination"]["count"] == 1
    (use,) = client.get(f"{API}/core/users/{client.jane}/used_by/").json()
    assert use["name"].startswith("Binding from Wiki #0 to User jane")
    assert client.delete(f"{APPLICATIONS}wiki/").status == 204
    assert client.get(f"{API}/policies/bindings/{binding['pk']}/").status == 404


def test_a_blueprint_makes_applications_with_their_bindings(client):
    blueprint = """
entries:
- model: authentik_core.application
  id: wiki
  identifiers: {slug: wiki}
  attrs: {name: Wiki, group: Tools}
- model: authentik_policies_dummy.dummypolicy
  id: never
  identifiers: {name: never}
  attrs: {result: false, wait_min: 0, wait_max: 1}
- model: authentik_policies.policybinding
  identifiers: {target: !KeyOf wiki, policy: !KeyOf never, order: 0}
"""
    for _ in range(2):
        done = apply(client.store, blueprint.encode())
        assert done.success, done
    assert client.get(f"{APPLICATIONS}wiki/").json()["group"] == "Tools"
    assert slugs(client) == []
