"""Where the API is: the path of the server's URL, whatever form that has."""

import pytest

from app.contract.checks.servers import check_servers
from app.contract.document.bundling import read
from tests.contract.test_contract_browser import whole_words

SERVERS = "servers:\n  - url: /api/v3/\n"
FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ("servers: [{url: /api/v3}]", "/api/v3"),
        ("servers: [{url: /}]", ""),
        ("servers: []", ""),
        ("", ""),
        ("servers: [{url: 'https://api.example'}]", ""),
        ("servers: [{url: 'https://api.example:8443/pre/api/v3/'}]", "/pre/api/v3"),
        ("servers: [{url: //api.example/v3}]", "/v3"),
        ("servers: [{url: 'http://{host}/v3/', variables: {host: {default: a.example}}}]", "/v3"),
        ("servers: [{url: 'https://a.example/v3/'}, {url: 'http://b.example/v3'}]", "/v3"),
    ],
)
def test_the_path_of_the_url_counts(tmp_path, servers, path):
    contract = tmp_path / "a.yaml"
    contract.write_text(f"{servers}\npaths: {{}}\n")
    loaded = read(contract)
    assert (loaded.base_path, list(check_servers(loaded))) == (path, [])


@pytest.mark.parametrize(
    ("servers", "base"),
    [("servers: [{url: 'https://api.example/pre/v3'}]", "/pre/v3"), ("", "")],
    ids=["another path", "none"],
)
def test_all_that_names_a_path_follows(edited, servers, base):
    client = edited((SERVERS, f"{servers}\n"))
    created = client.post(f"{base}/flows/instances/", FLOW)
    assert created.status == 201
    assert created.json()["export_url"] == f"{base}/flows/instances/a/export/"
    assert client.get(created.json()["export_url"]).status == 200
    assert client.get(f"{base}/schema/").status == 200
    assert client.get("/nowhere/flows/instances/").status == 404
    for page in ("/", "/contract/"):
        assert f"{base}/flows/instances/" in whole_words(client.get(page).body.decode())
