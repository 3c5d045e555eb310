"""The pages for people."""

import html
import re
from urllib.parse import quote

import pytest
import yaml

from app import errors
from tests.asgi import FLOWS, Client
from tests.conftest import application

SCHEMA = "/api/v3/schema/"


def links(page):
    return dict.fromkeys(html.unescape(link) for link in re.findall(r'(?:src|href|data-contract)="([^"#]+)', page))


@pytest.mark.parametrize("path", ["/", "/docs/"])
def test_links_of_a_page_lead_somewhere_on_this_server(client, path):
    response = client.get(path)
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = links(response.body.decode())
    assert len(found) >= 7
    for link in found:
        assert link.startswith("/"), link
        assert client.get(link).status == 200, link


def test_home_lists_every_operation(client, contract):
    page = client.get("/").body.decode()
    assert all(f"/contract/operations/{operation['operationId']}/" in page for *_, operation in contract.operations())
    assert page.count("<details") == len(contract.document["tags"])


def test_the_request_to_begin_with_goes_where_the_page_came_from(client):
    page = (
        client.get("/", headers={"host": "flows.example:9443", "x-forwarded-proto": "https"})
        .body.decode()
        .replace("<wbr>", "")
    )
    assert f"https://flows.example:9443{FLOWS}</code>" in page
    page = client.get("/", headers={"host": '"><script>'}).body.decode().replace("<wbr>", "")
    assert f"http://127.0.0.1:80{FLOWS}</code>" in page


NOTHING_FROM_ELSEWHERE = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


@pytest.mark.parametrize(
    "path", ["/", "/contract/", "/contract/raw/authentik-flows.yaml", SCHEMA, "/-/health/live/", "/nope"]
)
def test_a_page_without_scripts_may_run_none(client, path):
    assert client.get(path).headers["content-security-policy"] == NOTHING_FROM_ELSEWHERE


def test_the_documentation_may_run_the_scripts_of_this_server(client):
    response = client.get("/docs/")
    assert response.headers["content-security-policy"] == f"{NOTHING_FROM_ELSEWHERE}; script-src 'self'"
    assert re.search(r"<script[^>]*>[^<]|<style|\bstyle=|\bon\w+=", response.body.decode()) is None


@pytest.mark.parametrize("query", ["", "format=yaml"])
def test_the_contract_as_one_file(client, contract, query):
    response = client.get(SCHEMA, query=query)
    assert response.headers["content-type"] == "application/vnd.oai.openapi; charset=utf-8"
    assert response.headers["content-disposition"] == 'inline; filename="authentik-flows.yaml"'
    assert response.body == contract.text


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("format=json", "", "application/vnd.oai.openapi+json"),
        ("", "application/json", "application/json"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
    ],
)
def test_the_contract_as_json(client, contract, query, accept, media_type):
    response = client.get(SCHEMA, query=query, headers={"accept": accept} if accept else {})
    assert response.headers["content-type"] == media_type
    assert response.json() == contract.document == yaml.safe_load(client.get(SCHEMA).body)


def test_health(client):
    for path in ("/-/health/live/", "/-/health/ready/"):
        assert (client.get(path).status, client.get(path).body) == (200, b"")
        assert client.post(path).status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/-/health/live",
        "/docs/index.html",
        "/docs/%2e%2e/flask_swagger_ui.py",
        "/-/static/",
        "/robots.txt",
        "/api/v3/schema",
        "/api/v3/flows/instances",
        "/api/v3/providers/all/",
        "/api/v3/",
        "/api/v3",
        "/docs//",
    ],
)
def test_a_path_that_nothing_is_served_at_is_not_found(client, path):
    response = client.get(path)
    message = "There is no such path." if path.endswith("/") else "There is no such path. Each path ends with a slash."
    assert (response.status, response.json()) == (404, {"detail": message})
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/media/public/nothing.png", "/-/static/../home.py", "/-/static/nothing.css", f"{FLOWS}nothing/"]
)
def test_what_does_not_exist_below_a_path_is_not_found(client, path):
    assert client.get(path).json() == {"detail": "Not found."}


HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nope/", "There is no such path."),
        ("/nope", "There is no such path. Each path ends with a slash."),
        ("/api/v3/providers/all/", "There is no such path."),
        ("/contract/operations/nope/", "Not found."),
        ("/media/public/nothing.png", "Not found."),
        ("/<script>alert(1)</script>/", "There is no such path."),
    ],
)
def test_what_is_not_found_is_a_page_for_a_browser(client, path, said):
    response = client.get(path, headers=HTML)
    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert response.headers["vary"] == "Accept"
    page = response.body.decode()
    assert f"<p>{said}</p>" in page
    assert "<script" not in page
    assert all(client.get(link).status == 200 for link in links(page))


def test_an_object_that_is_not_found_is_json_for_a_browser_too(client):
    assert client.get(f"{FLOWS}nope/", headers=HTML).json() == {"detail": "Not found."}


@pytest.mark.parametrize(
    ("search", "found", "missing"),
    [
        ("FLOW_INSTANCES", [], ["flows_instances_list"]),
        ("flows_instances_l", ["flows_instances_list"], ["flows_instances_create", "FlowRequest"]),
        ("view_flow_cache", ["flows_instances_cache_info_retrieve", "authentik_flows.view_flow_cache"], ["DummyStage"]),
        ("dummystagerequest", ["DummyStageRequest"], ["stages_dummy_list"]),
        ("<script>", ["&lt;script&gt;"], ["<script>", "flows_instances_list"]),
        (" ", ["flows_instances_list", "stages_dummy_list", "DummyStage"], []),
    ],
)
def test_the_parts_of_the_contract_are_searched_by_name_path_and_permission(client, search, found, missing):
    page = client.get("/contract/", query=f"search={quote(search)}").body.decode().replace("<wbr>", "")
    assert all(part in page for part in found)
    assert not [part for part in missing if part in page]


@pytest.mark.parametrize("path", ["/docs", "/contract"])
def test_a_page_without_its_slash_leads_to_the_page(client, path):
    response = client.get(path)
    assert (response.status, response.headers["location"]) == (308, f"{path}/")


@pytest.mark.parametrize("path", ["/api/v3", "/api/v3/"])
def test_the_root_of_the_api_leads_a_browser_to_the_documentation(client, path):
    response = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (response.status, response.headers["location"]) == (302, "/docs/")


def test_nothing_of_a_request_stands_in_a_page(client, make_flow):
    planted = "<script>alert(1)</script>"
    client.post(FLOWS, make_flow(name=planted, title=planted))
    for path in ("/", "/docs/"):
        assert planted.encode() not in client.get(path, query=f"x={planted}", headers={"host": planted}).body


def test_a_process_lives_whatever_becomes_of_its_store(client, store, monkeypatch):
    def fail(*_):
        raise errors.Unavailable

    for name in ("read", "write", "_thread_session"):
        monkeypatch.setattr(store.database, name, fail)
    assert client.get("/-/health/live/").status == 200
    assert client.get("/-/health/ready/").status == 503


def test_a_store_whose_file_is_gone_is_not_ready(settings, contract):
    with application(settings.database_url, contract) as (store, app):
        client = Client(app)
        assert client.get("/-/health/ready/").status == 200
        store.database.address.path.unlink()
        assert client.get("/-/health/ready/").status == 503
