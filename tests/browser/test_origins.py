"""Scripts of other origins, and a server below a path of a proxy."""

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.conftest import Browser
from tests.conftest import application
from tests.serving import served

SEND = """
const [url, method, body, done] = arguments;
const headers = { Authorization: "Bearer root", "Content-Type": "application/json" };
fetch(url, { method, headers, body: body && JSON.stringify(body) })
  .then(async (response) => done([response.status, await response.json(), response.headers.get("X-authentik-id")]))
  .catch((error) => done(String(error)));
"""
FLOW = {"name": "A", "slug": "a", "title": "A", "designation": "recovery"}


@pytest.fixture(scope="module")
def page():
    """The URL of an empty page of another origin."""
    with served(Starlette(routes=[Route("/", HTMLResponse("<title>Elsewhere</title>"))])) as url:
        yield url


@pytest.fixture(scope="module")
def server(contract, page, tmp_path_factory):
    """The URL of a server behind a prefix that allows the page's origin."""
    url = f"sqlite:///{tmp_path_factory.mktemp('origins')}/flows.sqlite3"
    with (
        application(url, contract, allowed_origins=(page,), prefix="/base") as (store, app),
        served(app) as url,
    ):
        store.tokens.add("root", superuser=True, secret="root")
        yield url


def test_a_script_of_a_named_origin_uses_the_api(driver, page, server):
    driver.get(page)
    flows = f"{server}/api/v3/flows/instances/"
    status, created, identifier = driver.execute_async_script(SEND, flows, "POST", FLOW)
    assert (status, created["slug"]) == (201, "a")
    assert len(identifier) == 32
    status, changed, _ = driver.execute_async_script(SEND, f"{flows}a/", "PATCH", {"title": "B"})
    assert (status, changed["title"]) == (200, "B")
    assert driver.execute_async_script(SEND, f"{flows}b/", "GET", None)[:2] == [404, {"detail": "Not found."}]


def test_a_script_of_another_origin_reads_nothing(driver, page, server):
    driver.get(page.replace("127.0.0.1", "localhost"))
    failed = driver.execute_async_script(SEND, f"{server}/api/v3/flows/instances/", "GET", None)
    assert failed == "TypeError: Failed to fetch"


@pytest.mark.parametrize("path", ["/", "/contract/", "/docs/"])
def test_a_page_below_a_prefix_loads_without_a_complaint(driver, server, path):
    browser = Browser(driver, f"{server}/base")
    browser.open(path)
    browser.one("main h1, main h2")
    assert browser.problems() == []
    assert browser.run("return getComputedStyle(document.body).margin") == "0px"


def test_a_request_is_tried_out_below_a_prefix(driver, server):
    browser = Browser(driver, f"{server}/base")
    browser.open("/docs/#/root/root_config_retrieve")
    panel = "#operations-root-root_config_retrieve"
    browser.run("arguments[0].click()", browser.one(f"{panel} button.execute"))
    assert browser.one(f"{panel} .request-url pre").text == f"{server}/base/api/v3/root/config/"
    assert browser.one(f"{panel} .live-responses-table tr.response .response-col_status").text.split()[0] in (
        "200",
        "403",
    )
