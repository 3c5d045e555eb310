"""Each request is served the version that it names, all versions from one store."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from app.application import create_app, load_contract, open_store, version_names
from app.cli.start import load_version
from app.contract.checks import checked_cache
from app.contract.document.findings import ContractError
from app.contract.document.versions import names, root_release
from app.settings import Settings
from tests.asgi import FLOWS, Client, client_loop
from tests.executor import Browser, flow_of

NEWEST = "2024.12"
REDIRECTS = "/api/v3/stages/redirect/"
PYTHON = "OpenAPI-Generator/{}/python"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def serving(contract, cache, tmp_path_factory):
    """Creates a client of a server with some settings."""

    def served(loads=None, **given):
        folder = tmp_path_factory.mktemp("store")
        settings = Settings(database_url=f"sqlite:///{folder}/flows.sqlite3", token_cache=0.0, **given)
        own = load_contract(settings, cache=cache) if given else contract
        store = open_store(settings, own)
        store.migrate()
        store.tokens.add("root", superuser=True, secret="root")
        load = partial(_load, settings, cache, loads if loads is not None else [])
        client = Client(create_app(settings, contract=own, store=store, load_version=load), "root")
        client.store = store
        return client

    return served


def _load(settings, cache, loads, version):
    loads.append((version, threading.current_thread()))
    return load_contract(settings, version=version, cache=cache)


@pytest.fixture(scope="module")
def client(serving):
    return serving()


def version_of(response):
    return response.headers.get("x-contract-version")


def test_a_request_that_names_no_version_is_served_the_first_one(client, contract):
    response = client("GET", FLOWS)
    assert (response.status, version_of(response)) == (200, "2024.8")
    assert "X-Authentik-Version" in response.headers["vary"]
    assert client("GET", REDIRECTS).status == 404


@pytest.mark.parametrize(
    ("path", "headers", "version"),
    [
        (f"/{NEWEST}{FLOWS}", {}, NEWEST),
        (FLOWS, {"x-authentik-version": NEWEST}, NEWEST),
        (FLOWS, {"x-authentik-version": " 2024.12.5 "}, NEWEST),
        (FLOWS, {"user-agent": PYTHON.format("2024.12.5")}, NEWEST),
        (FLOWS, {"user-agent": PYTHON.format("2024.12.5-1725752197")}, NEWEST),
        (FLOWS, {"user-agent": "OpenAPI-Generator/2024.10.0/rust"}, "2024.10"),
        (FLOWS, {"user-agent": "authentik-terraform@2024.12.1"}, NEWEST),
        (FLOWS, {"user-agent": "OpenAPI-Generator/1.0.0/go"}, "2024.8"),
        (FLOWS, {"user-agent": PYTHON.format("2031.2.0")}, "2024.8"),
        (FLOWS, {"user-agent": "x" * 1000 + PYTHON.format("2024.12.5")}, NEWEST),
        (FLOWS, {"user-agent": PYTHON.format("2024.12.5"), "x-authentik-version": "2024.10"}, "2024.10"),
        (f"/2024.8{FLOWS}", {"x-authentik-version": NEWEST, "user-agent": PYTHON.format("2024.10.0")}, "2024.8"),
        (f"/{NEWEST}/api/v3//flows/instances/", {}, NEWEST),
    ],
)
def test_the_path_comes_before_the_header_and_the_header_before_the_client(client, path, headers, version):
    response = client("GET", path, headers=headers)
    assert (response.status, version_of(response)) == (200, version)


def test_an_operation_is_served_by_the_versions_that_have_it(client):
    created = client("POST", f"/{NEWEST}{REDIRECTS}", {"name": "r", "mode": "static", "target_static": "https://a.b"})
    assert created.status == 201
    path = f"{REDIRECTS}{created.json()['pk']}/"
    assert client("GET", path, headers={"x-authentik-version": NEWEST}).status == 200
    assert client("GET", path, headers={"x-authentik-version": "2024.10"}).status == 404
    listed = client("GET", "/api/v3/stages/all/").json()["results"]
    assert [stage["name"] for stage in listed] == ["r"]


@pytest.mark.parametrize(
    ("path", "headers", "status"), [("/2023.1" + FLOWS, {}, 404), (FLOWS, {"x-authentik-version": "9"}, 400)]
)
def test_a_version_that_does_not_exist_is_refused_with_those_that_do(client, path, headers, status):
    response = client("GET", path, headers=headers)
    name = headers.get("x-authentik-version", "2023.1")
    assert response.status == status
    assert response.json() == {"detail": f"There is no version {name!r}. There are: 2024.8, 2024.10, 2024.12."} or (
        response.json()["detail"].startswith(f"There is no version {name!r}. There are: 2024.8, 2024.10, 2024.12, ")
    )


def test_a_path_outside_the_contract_has_no_version(client):
    assert client("GET", f"/{NEWEST}/docs/").status == 404
    assert client("GET", "/docs/", headers={"x-authentik-version": "2023.1"}).status == 200


def test_the_document_is_that_of_the_version_that_is_named(client):
    ours = client("GET", f"/{NEWEST}/api/v3/schema/?format=json")
    assert ours.json()["info"]["version"].startswith(f"{NEWEST}.")
    assert ours.json()["servers"] == [{"url": f"/{NEWEST}/api/v3/"}]
    named = client("GET", "/api/v3/schema/?format=json", headers={"x-authentik-version": "2024.10"})
    assert named.json()["info"]["version"].startswith("2024.10.")
    assert client("GET", "/api/v3/schema/?format=json").json()["info"]["version"].startswith("2024.8.")


@pytest.mark.parametrize("above", ["", f"/{NEWEST}", "/2024.8"])
def test_an_answered_challenge_leads_back_to_the_version_of_the_path(client, above):
    slug = f"above-{above[1:].replace('.', '-')}"
    flow_of(client, slug, ("dummy", {}), ("dummy", {}))
    path = f"{above}/api/v3/flows/executor/{slug}/"
    response = Browser(client).send("POST", f"{path}?query=", {})
    assert (response.status, response.headers["location"]) == (302, f"{path}?query=")


def test_a_doubled_slash_is_no_part_of_the_path_above_the_document(client):
    document = client("GET", f"/{NEWEST}/api/v3//schema/?format=json")
    assert document.json()["servers"] == [{"url": f"/{NEWEST}/api/v3/"}]


def test_an_error_names_the_line_of_the_overlay(client):
    body = {"name": "r", "mode": "nowhere"}
    rule = client("POST", f"/{NEWEST}{REDIRECTS}", body).headers["x-contract-rule"]
    assert rule.startswith("openapi/stages/redirect.yaml:")
    captcha = client("GET", f"/{NEWEST}/api/v3/stages/identification/?captcha_stage=none")
    assert captcha.headers["x-contract-rule"].startswith("openapi/versions/2024.10.yaml:")


def test_the_default_version_is_a_setting(serving):
    client = serving(version=NEWEST)
    assert version_of(client("GET", REDIRECTS)) == NEWEST
    assert version_of(client("GET", f"/2024.8{FLOWS}")) == "2024.8"
    assert client("GET", f"/2024.8{REDIRECTS}").status == 404
    assert version_of(client("GET", FLOWS, headers={"user-agent": PYTHON.format("2024.8.1")})) == "2024.8"


def test_a_version_is_compiled_once_when_it_is_asked_for_and_beside_the_event_loop(serving):
    client = serving(loads := [])
    client("GET", FLOWS)
    assert loads == []

    async def ask_together():
        return await asyncio.gather(*(client._send("GET", f"/{NEWEST}{FLOWS}", "", {}, [b""]) for _ in range(3)))

    assert {version_of(response) for response in client_loop(ask_together())} == {NEWEST}
    ((version, thread),) = loads
    assert version == NEWEST
    assert thread is not threading.main_thread()


def test_a_version_that_can_not_be_served_is_a_503_and_tried_again(serving, monkeypatch, caplog):
    client = serving(loads := _Failing())
    response = client("GET", f"/{NEWEST}{FLOWS}")
    assert (response.status, response.json()) == (503, {"detail": f"The version {NEWEST} can't be served at present."})
    assert response.headers["retry-after"] == "1"
    assert client("GET", FLOWS).status == 200
    loads.fails = False
    assert client("GET", f"/{NEWEST}{FLOWS}").status == 200


def test_a_version_with_errors_is_checked_once(serving):
    loads = _Failing()
    loads.error = ContractError([])
    client = serving(loads)
    statuses = [client("GET", f"/{NEWEST}{FLOWS}").status for _ in range(2)]
    assert (statuses, len(loads)) == ([503, 503], 1)


class _Failing(list):
    fails = True
    error = OSError("the disk is gone")

    def append(self, load):
        super().append(load)
        if self.fails:
            raise self.error


def test_a_version_is_compiled_while_all_threads_of_the_event_loop_are_busy(serving):
    client, release = serving(), threading.Event()

    async def ask_while_busy():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(pool := ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        try:
            return await client._send("GET", f"/{NEWEST}{FLOWS}", "", {}, [b""])
        finally:
            release.set()
            await busy
            pool.shutdown()

    assert version_of(asyncio.run(ask_while_busy())) == NEWEST


@pytest.mark.parametrize(("path", "headers"), [("/2023.1" + FLOWS, {}), (FLOWS, {"x-authentik-version": "9"})])
def test_a_request_for_a_version_that_does_not_exist_is_counted(client, path, headers):
    def count():
        lines = client("GET", "/-/metrics/").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("flows_requests_total{"))

    before = count()
    client("GET", path, headers=headers)
    assert count() == before + 1


def test_requests_are_counted_by_version(client):
    def count():
        lines = client("GET", "/-/metrics/").body.decode().splitlines()
        name = f'flows_version_requests_total{{status="200",version="{NEWEST}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = count()
    client("GET", f"/{NEWEST}{FLOWS}")
    assert count() == before + 1


def test_a_contract_behind_a_link_has_the_same_versions(tmp_path, contract):
    path = Settings().contract.resolve()
    (tmp_path / path.name).symlink_to(path)
    assert names(tmp_path / path.name, contract.release) == names(path, contract.release)


def test_the_versions_are_listed_oldest_first_whatever_is_served_by_default(contract):
    settings = Settings(version=NEWEST)
    assert root_release(settings.contract) == contract.release
    names = version_names(Settings(), contract)
    assert names[:3] == ("2024.8", "2024.10", NEWEST)
    assert version_names(settings, load_contract(settings)) == names


def test_another_process_checks_a_version_that_is_not_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    load = load_version(Settings())
    assert load("2024.10").release.startswith("2024.10.")
    assert [type(load("2024.10")) for _ in range(2)] == [checked_cache.CheckedContract] * 2
    assert len(list((tmp_path / "flows-server").iterdir())) == 1
    assert not (tmp_path / "imported").exists(), "the package of the current folder"
