"""Where this server lies on its machine: no response tells, whatever the way that the settings name the contract."""

import os
from pathlib import Path

import pytest

from app.application import create_app, create_metrics, first_contract, load_contract, load_draft, open_store
from app.contract.document.code_frames import framed
from app.contract.document.findings import ContractError
from app.recording.recorder import Recorder
from app.settings import Settings
from tests.asgi import FLOWS, Client
from tests.attacks.crawling import crawled
from tests.contract_files import copied, replaced

FOLDER = "secret-folder"
NOT_FOUND, REFUSED = f"{FLOWS}none/", f"{FLOWS}?page=x"
PROBLEM = {"accept": "application/problem+json"}


class Told(Client):
    """Keeps all that an application sends."""

    def __init__(self, *given):
        super().__init__(*given)
        self.told = []

    async def _send(self, *request):
        response = await super()._send(*request)
        self.told.append((request[:2], response.headers, response.body))
        return response


def absolute(contract):
    return contract


def relative(contract):
    os.chdir(contract.parents[1])
    return Path(FOLDER, contract.name)


def outside(contract):
    (contract.parents[1] / "elsewhere").mkdir()
    os.chdir(contract.parents[1] / "elsewhere")
    return Path("..", FOLDER, contract.name)


def through_a_link(contract):
    link = contract.parents[1] / "a-secret-folder-too"
    link.symlink_to(contract.parent)
    return link / contract.name


@pytest.fixture(params=[absolute, relative, outside, through_a_link])
def client(tmp_path, monkeypatch, request):
    """A client of an application whose contract lies in a secret folder, and is broken by its last edit."""
    monkeypatch.chdir(tmp_path)
    contract = request.param(copied(tmp_path / FOLDER))
    settings = Settings(contract=contract, database_url=f"sqlite:///{tmp_path}/flows.sqlite3", token_cache=0.0)
    loaded = load_contract(settings)
    store = open_store(settings, loaded)
    store.migrate()
    store.tokens.add("root", superuser=True, secret="root")
    metrics = create_metrics(loaded)
    current = first_contract(settings, loaded, store, metrics)
    told = create_app(
        settings, contract=loaded, store=store, metrics=metrics, active_contract=current, recorder=Recorder(loaded)
    )
    replaced(contract.resolve(), "\n  schemas:\n", "\n  schemas:\n    DummyStage: {type: object}\n")
    with pytest.raises(ContractError) as violated:
        load_draft(settings)
    # The person at the terminal gets a path that an editor can open.
    assert all(Path(finding.location.file).exists() for finding in violated.value.findings)
    current.findings = framed(violated.value.findings)
    yield Told(told, "root")
    store.close()


def rejections(client):
    """Responses that name a rule of the contract."""
    for headers in ({}, PROBLEM):
        yield client.get(FLOWS, token="", headers=headers)
        yield client.get(FLOWS, token="wrong", headers=headers)
        yield client.get(NOT_FOUND, headers=headers)
        yield client.get(REFUSED, headers=headers)
        yield client("PURGE", FLOWS, headers=headers)
        yield client.get(FLOWS, headers={"accept": "text/html"})
        yield client.post(FLOWS, {"slug": "ä"}, headers=headers)
        yield client.post("/api/v3/stages/dummy/", {"name": "a", "throw_error": "maybe"}, headers=headers)
        yield client.post(FLOWS, body=b"{", headers={"content-type": "application/json"} | headers)
        yield client.post(FLOWS, body=b"{", headers={"content-type": "text/plain"} | headers)


def test_no_response_tells_where_the_contract_lies(client, tmp_path):
    places = {response.headers["x-contract-rule"].rpartition("/")[0] for response in rejections(client)}
    assert places == {"", "stages"}
    pages = crawled(client, most=8)
    assert any("is taken by the part at authentik-flows.yaml:" in page.text for page in pages.values())
    for path in ("/contract/coverage.json", "/contract/traffic.har", "/api/v3/schema/", "/-/metrics/", "/nowhere/"):
        client.get(path)
    assert len(client.told) > 50
    for request, headers, body in client.told:
        for secret in ("secret-folder", str(tmp_path), str(Path.cwd())):
            assert secret not in str(headers), request
            assert secret.encode() not in body, request
