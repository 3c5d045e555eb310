"""Requests from web pages of other origins (CORS)."""

import pytest

from app.settings import Settings, SettingsError
from tests.asgi import FLOWS, Client
from tests.conftest import application

NAMED, OTHER = "https://app.example", "https://other.example"
PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def open_to_named(contract, tmp_path_factory):
    """A client of a server that names one origin."""
    url = f"sqlite:///{tmp_path_factory.mktemp('named')}/flows.sqlite3"
    with application(url, contract, allowed_origins=(NAMED, "http://localhost:5173")) as (store, app):
        store.tokens.add("root", superuser=True, secret="root")
        yield Client(app, "root")


def cors(response):
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", [FLOWS, f"{FLOWS}a/", "/api/v3/nope/", "/contract/", "/docs/"])
def test_a_preflight_of_a_named_origin_is_allowed_with_any_method_and_header(open_to_named, path):
    response = open_to_named("OPTIONS", path, headers={"origin": NAMED, **PREFLIGHT}, token="")
    assert (response.status, response.body) == (204, b"")
    allowed = cors(response)
    assert allowed["access-control-allow-origin"] == NAMED
    assert allowed["access-control-allow-credentials"] == "true"
    assert allowed["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
    methods = set(allowed["access-control-allow-methods"].split(", "))
    assert methods == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


def test_a_preflight_of_another_origin_is_rejected_with_what_to_set(open_to_named):
    response = open_to_named("OPTIONS", FLOWS, headers={"origin": OTHER, **PREFLIGHT})
    assert response.status == 400
    message = f"The origin {OTHER} is not allowed. FLOWS_ALLOWED_ORIGINS lists those that are."
    assert response.json() == {"detail": message}
    assert "access-control-allow-origin" not in response.headers


def test_a_preflight_with_an_unknown_method_is_rejected(open_to_named):
    headers = {"origin": NAMED, "access-control-request-method": "TRACE"}
    response = open_to_named("OPTIONS", FLOWS, headers=headers)
    assert (response.status, response.json()) == (400, {"detail": "Disallowed CORS method."})


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", FLOWS, "root", 200),
        ("GET", f"{FLOWS}nope/", "root", 404),
        ("GET", FLOWS, "", 403),
        ("POST", FLOWS, "root", 400),
        ("DELETE", FLOWS, "root", 405),
        ("GET", "/api/v3/schema/", "", 200),
        ("GET", "/nope/", "", 404),
    ],
)
def test_every_response_can_be_read_by_a_named_origin_only(open_to_named, method, path, token, status):
    for origin, readable in [(NAMED, True), ("http://localhost:5173", True), (OTHER, False), ("null", False)]:
        response = open_to_named(method, path, headers={"origin": origin}, token=token)
        assert response.status == status
        assert response.headers.get("access-control-allow-origin") == (origin if readable else None)
        assert "Origin" in response.headers["vary"]
    assert "X-authentik-id" in response.headers["access-control-expose-headers"]


def test_a_request_without_an_origin_is_told_nothing_but_that_the_response_varies(open_to_named):
    response = open_to_named.get(FLOWS)
    assert response.status == 200
    assert cors(response) == {}
    assert "Origin" in response.headers["vary"]


def test_without_the_setting_no_origin_is_allowed(client):
    response = client("OPTIONS", FLOWS, headers={"origin": NAMED, **PREFLIGHT})
    assert (response.status, cors(response)) == (204, {})
    assert cors(client.get(FLOWS, headers={"origin": NAMED})) == {}


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://app.example", ("https://app.example",)),
        ("HTTPS://App.Example:443 , http://localhost:5173,", ("https://app.example", "http://localhost:5173")),
        ("http://[::1]:80", ("http://[::1]",)),
    ],
)
def test_origins_are_read_as_browsers_write_them(text, origins):
    assert Settings.from_environment({"FLOWS_ALLOWED_ORIGINS": text}).allowed_origins == origins


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "app.example",
        "https://app.example/",
        "https://a:b",
        "https://[",
        "https://u@a",
        "https://ü",
    ],
)
def test_what_is_no_origin_is_rejected(text):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"FLOWS_ALLOWED_ORIGINS": text})
    said = (
        f"FLOWS_ALLOWED_ORIGINS: {text!r} can't be used: give origins such as https://app.example, separated by commas."
    )
    assert str(caught.value) == said
