"""The server below a path of a proxy."""

from ipaddress import ip_network

import pytest
import yaml

from app.settings import Settings, SettingsError
from tests.asgi import FLOWS, Client
from tests.conftest import application, emptied
from tests.contract.test_pages import links
from tests.executor import PASSWORD, Browser, Visitor, login_flow

FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}
HERE, ELSEWHERE = (ip_network("127.0.0.0/8"), ip_network("::1")), (ip_network("10.0.0.0/8"),)
FORWARDED = {"x-forwarded-prefix": "/other"}


@pytest.fixture(scope="module")
def prefixed(contract, tmp_path_factory):
    """Makes a client of a server with a prefix."""
    made = []

    def make(prefix="", trusted=()):
        url = f"sqlite:///{tmp_path_factory.mktemp('prefixed')}/flows.sqlite3"
        opened = application(url, contract, prefix=prefix, trusted_proxies=trusted)
        store, app = opened.__enter__()
        made.append(opened)
        store.tokens.add("root", superuser=True, secret="root")
        client = Client(app, "root")
        client.store = store
        return client

    yield make
    for opened in made:
        opened.__exit__(None, None, None)


@pytest.fixture(scope="module")
def clients(prefixed):
    """A client by prefix and trusted proxies, made once."""
    return {
        "static": prefixed("/base/flows", HERE),
        "trusting": prefixed("", HERE),
        "untrusting": prefixed("/base/flows", ELSEWHERE),
    }


@pytest.mark.parametrize("sent", ["", "/base/flows"], ids=["removed by the proxy", "left by the proxy"])
def test_the_urls_in_responses_begin_with_the_prefix(clients, sent):
    client = clients["static"]
    emptied(client.store).tokens.add("root", superuser=True, secret="root")
    created = client.post(f"{sent}{FLOWS}", FLOW)
    assert created.status == 201
    assert created.json()["export_url"] == f"/base/flows{FLOWS}a/export/"
    assert client.get(created.json()["export_url"]).status == 200
    assert client.get(f"{sent}{FLOWS}").json()["results"][0]["export_url"] == created.json()["export_url"]
    stage = client.post("/api/v3/stages/dummy/", {"name": "A"}).json()["pk"]
    binding = {"target": created.json()["pk"], "stage": stage, "order": 0}
    assert client.post("/api/v3/flows/bindings/", binding).status == 201
    executed = client.get(f"{sent}{FLOWS}a/execute/", headers={"host": "id.example"})
    assert executed.json() == {"link": "http://id.example/base/flows/if/flow/a/"}
    assert client.get(f"{sent}/-/health/ready/").status == 200


@pytest.mark.parametrize("sent", ["", "/base/flows"], ids=["removed by the proxy", "left by the proxy"])
def test_each_url_in_a_challenge_and_in_the_page_of_a_flow_begins_with_the_prefix(clients, sent):
    client = clients["static"]
    emptied(client.store).tokens.add("root", superuser=True, secret="root")
    recovery = client.post(FLOWS, {**FLOW, "slug": "recovery"}).json()["pk"]
    linked = {"enrollment_flow": recovery, "recovery_flow": recovery, "passwordless_flow": recovery}
    login_flow(client, **linked, pretend_user_exists=True)
    browser, page = Browser(client), f"{sent}/if/flow/login/"
    asked = [browser.get("login", prefix=sent).json()]
    assert browser.post("login", prefix=sent, uid_field="jane").headers["location"].startswith("/base/flows/api/v3/")
    asked.append(browser.get("login", prefix=sent).json())
    found = _urls(asked)
    assert len(found) == 6
    assert all(url.startswith(("/base/flows/", "http://127.0.0.1:80/base/flows/")) for url in found), found
    visitor = Visitor(client).open(page).submit(uid_field="jane")
    seen = [link for link in links(visitor.page) if not link.startswith("data:")]
    assert all(link.startswith(("/base/flows/", "http://127.0.0.1:80/base/flows/")) for link in seen), seen
    visitor.submit(password=PASSWORD)
    assert (visitor.path, visitor.answer.status) == ("/base/flows/", 200)


def _urls(value):
    """The URLs in JSON, but that of the background, which is an image."""
    if isinstance(value, list):
        return [url for one in value for url in _urls(one)]
    if isinstance(value, dict):
        named = [found for name, found in value.items() if name.endswith("_url")]
        return [*named, *(url for one in value.values() for url in _urls(one))]
    return []


@pytest.mark.parametrize("path", ["/", "/docs/", "/contract/", "/contract/operations/flows_instances_list/"])
@pytest.mark.parametrize("sent", ["", "/base/flows"], ids=["removed by the proxy", "left by the proxy"])
def test_each_link_of_a_page_leads_to_a_page_below_the_prefix(clients, path, sent):
    client = clients["static"]
    response = client.get(f"{sent}{path}", headers={"host": "id.example"})
    assert response.status == 200
    for link in list(links(response.body.decode()))[:30]:
        assert link.startswith("/base/flows/"), link
        assert client.get(link).status == 200, link
    if path == "/":
        assert f"http://id.example/base/flows{FLOWS}" in response.body.decode().replace("<wbr>", "")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/docs", "/base/flows/docs/"),
        ("/base/flows/contract", "/base/flows/contract/"),
        ("/api/v3/", "/base/flows/docs/"),
    ],
)
def test_a_redirect_stays_below_the_prefix(clients, path, place):
    response = clients["static"].get(path, headers={"accept": "text/html"})
    assert response.headers["location"] == place


def test_the_contract_names_the_url_below_the_prefix(clients, contract):
    client = clients["static"]
    servers = [{"url": "/base/flows/api/v3/"}]
    assert client.get("/api/v3/schema/", query="format=json").json() == {**contract.document, "servers": servers}
    assert yaml.safe_load(client.get("/api/v3/schema/").body)["servers"] == servers


def test_the_root_of_the_prefix_is_the_home_page(clients):
    home = clients["static"].get("/").body
    assert clients["static"].get("/base/flows").body == clients["static"].get("/base/flows/").body == home
    assert clients["static"].get("/base/flowsx/").status == 404


def test_a_trusted_proxy_names_the_prefix_of_its_requests(clients):
    for name in ("static", "trusting"):
        page = clients[name].get("/", headers=FORWARDED).body.decode()
        assert all(link.startswith("/other/") for link in links(page)), name
    assert all(not link.startswith("/other/") for link in links(clients["trusting"].get("/").body.decode()))


def test_the_prefix_of_a_trusted_proxy_may_be_the_path_of_a_page(clients):
    client, headers = clients["trusting"], {"x-forwarded-prefix": "/docs"}
    assert "swagger-ui" in client.get("/docs/", headers=headers).body.decode()
    assert 'href="/docs/contract/"' in client.get("/", headers=headers).body.decode()


def test_nobody_else_names_a_prefix(clients, client):
    page = clients["untrusting"].get("/", headers=FORWARDED).body.decode()
    assert all(link.startswith("/base/flows/") for link in links(page))
    assert "/other" not in client.get("/", headers=FORWARDED).body.decode()


@pytest.mark.parametrize("sent", ["//evil.example", "/a/../b", "/<b>", "http://evil.example", "/a b", "/%2e", "/a//b"])
def test_a_prefix_that_is_no_path_is_ignored(clients, sent):
    page = clients["static"].get("/", headers={"x-forwarded-prefix": sent})
    found = links(page.body.decode())
    assert all(link.startswith(("/base/flows/", "/evil.example/")) for link in found)
    assert sent.encode() not in page.body


@pytest.mark.parametrize(
    ("text", "prefix"), [("/flows", "/flows"), ("flows/", "/flows"), ("/a/b.c/", "/a/b.c"), ("/", ""), ("", "")]
)
def test_a_prefix_is_read_with_or_without_slashes(text, prefix):
    assert Settings.from_environment({"FLOWS_PREFIX": text}).prefix == prefix


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("FLOWS_PREFIX", "/a b", "give a path such as /id, with letters, digits and . _ ~ - between slashes"),
        ("FLOWS_PREFIX", "/a/../b", "give a path such as /id, with letters, digits and . _ ~ - between slashes"),
        ("FLOWS_TRUSTED_PROXIES", "proxy", "give addresses or networks such as 10.0.0.0/8, separated by commas"),
        ("FLOWS_TRUSTED_PROXIES", "10.0.0.1/8", "give addresses or networks such as 10.0.0.0/8, separated by commas"),
    ],
)
def test_what_can_not_be_used_is_rejected(variable, text, said):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: text})
    assert str(caught.value) == f"{variable}: {text!r} can't be used: {said}."
