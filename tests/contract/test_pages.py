"""The pages for people."""

import re

import pytest
import yaml

from tests.asgi import FLOWS

SCHEMA = "/api/v3/schema/"


def test_home_lists_every_operation_and_links_the_documentation(client, contract):
    answer = client.get("/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = answer.body.decode()
    assert all(operation["operationId"] in page for *_, operation in contract.operations())
    for link in re.findall(r'href="(/[^"#]*)', page):
        assert client.get(link).status == 200, link


def test_documentation_loads_nothing_from_elsewhere(client):
    page = client.get("/docs/").body.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 5
    for source in sources:
        assert source.startswith("/docs/"), source
        assert client.get(source).status == 200, source
    assert f"{SCHEMA}?format=json" in page
    assert '"persistAuthorization": true' in page


@pytest.mark.parametrize("query", ["", "format=yaml"])
def test_the_contract_as_one_file(client, contract, query):
    answer = client.get(SCHEMA, query=query)
    assert answer.headers["content-type"] == "application/vnd.oai.openapi; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="authentik-flows.yaml"'
    assert answer.body == contract.text


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("format=json", "", "application/vnd.oai.openapi+json"),
        ("", "application/json", "application/json"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
    ],
)
def test_the_contract_as_json(client, contract, query, accept, media_type):
    answer = client.get(SCHEMA, query=query, headers={"accept": accept} if accept else {})
    assert answer.headers["content-type"] == media_type
    assert answer.json() == contract.document == yaml.safe_load(client.get(SCHEMA).body)


def test_health(client):
    for path in ("/-/health/live/", "/-/health/ready/"):
        assert (client.get(path).status, client.get(path).body) == (200, b"")
        assert client.post(path).status == 405


@pytest.mark.parametrize(
    "path", ["/nope", "/docs", "/-/health/live", "/docs/../app.py", "/docs/%2e%2e/flask_swagger_ui.py", "/robots.txt"]
)
def test_what_is_not_there(client, path):
    answer = client.get(path)
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_of_a_request_stands_in_a_page(client, make_flow):
    planted = "<script>alert(1)</script>"
    client.post(FLOWS, make_flow(name=planted, title=planted))
    for path in ("/", "/docs/"):
        assert planted.encode() not in client.get(path, query=f"x={planted}", headers={"host": planted}).body
