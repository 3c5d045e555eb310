"""Connections to the whole server: the API, pages and health alike."""

import json
import shutil
import socket
import subprocess
import threading

import pytest

from app.conformance.raw_http import RawClient
from tests.asgi import FLOWS
from tests.conftest import application
from tests.e2e.test_command import bearer
from tests.e2e.test_hostile import everything, exchange, statuses
from tests.serving import served

LIVE = "/-/health/live/"
PAGE = "/contract/"
CREDENTIALS = "Authorization: Bearer root\r\n"
FLOW = {"name": "n", "slug": "a", "title": "old", "designation": "authorization"}


@pytest.fixture(scope="module")
def url(contract, tmp_path_factory):
    """A server."""
    database_url = f"sqlite:///{tmp_path_factory.mktemp('wire')}/flows.sqlite3"
    with application(database_url, contract) as (store, app), served(app) as url:
        store.tokens.add("root", superuser=True, secret="root")
        yield url


@pytest.fixture
def wire(url):
    """A client of a server with one flow."""
    wire = RawClient(url)
    wire.send("DELETE", f"{FLOWS}a/", bearer("root"))
    assert wire.send("POST", FLOWS, bearer("root"), json.dumps(FLOW).encode()).status == 201
    return wire


@pytest.fixture
def connection(url):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        yield connection


def title(wire):
    return wire.send("GET", f"{FLOWS}a/", bearer("root")).json()["title"]


def request(method="GET", path=FLOWS, fields="", body=""):
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}"


def patch(fields, body, path=f"{FLOWS}a/"):
    json_fields = f"{CREDENTIALS}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return request("PATCH", path, json_fields + fields, body)


LAST = request(path=LIVE, fields="Connection: close\r\n")


@pytest.mark.parametrize("value", ["h2c", "websocket", "x"])
def test_a_change_with_an_upgrade_is_stored(wire, connection, value):
    head, _, body = patch(f"Connection: Upgrade\r\nUpgrade: {value}\r\n", '{"title": "new"}').partition("\r\n\r\n")
    connection.sendall(f"{head}\r\n\r\n".encode())
    assert statuses(exchange(connection, body + LAST)) == [200, 200]
    assert title(wire) == "new"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_that_offers_http_2_changes_a_flow(wire, url):
    command = [
        "curl",
        "--http2",
        "-sS",
        "-X",
        "PATCH",
        "-H",
        CREDENTIALS.strip(),
        "-H",
        "Content-Type: application/json",
    ]
    if b"HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, check=True).stdout:
        pytest.skip("this curl can't offer HTTP/2")
    response = subprocess.run(
        [*command, f"{url}{FLOWS}a/", "-d", '{"title": "by curl"}'], capture_output=True, timeout=20, check=True
    )
    assert json.loads(response.stdout)["title"] == title(wire) == "by curl"


@pytest.mark.parametrize("path", [FLOWS, PAGE, "/", LIVE, "/nowhere/"])
@pytest.mark.parametrize("cut", [False, True])
def test_the_body_behind_an_upgrade_is_no_request(connection, path, cut):
    smuggled = request(path="/smuggled/")
    fields = f"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: {len(smuggled)}\r\n"
    if cut:
        connection.sendall(request("POST", path, fields).encode())
        received = exchange(connection, smuggled + LAST)
    else:
        received = exchange(connection, request("POST", path, fields, smuggled) + LAST)
    assert statuses(received)[1:] == [200]
    assert b"smuggled" not in received


@pytest.mark.parametrize("slash", ["%2F", "%2f", "%252F", "%25252f"])
@pytest.mark.parametrize(
    "path", [f"{FLOWS}a/", FLOWS, LIVE, "/-/health/ready/", "/-/metrics/", PAGE, "/docs/", "/api/v3/schema/"]
)
def test_an_encoded_slash_leads_nowhere_else(wire, path, slash):
    places = [index for index, letter in enumerate(path) if letter == "/" and index]
    assert wire.send("GET", path, bearer("root")).status == 200
    for place in places:
        changed = path[:place] + slash + path[place + 1 :]
        assert wire.send("GET", changed, bearer("root")).status == 404, changed


def test_credentials_in_a_trailer_are_none(wire, connection):
    body = json.dumps(FLOW | {"slug": "b"})
    chunked = f"{len(body):x}\r\n{body}\r\n0\r\nAuthorization: Bearer root\r\n\r\n"
    fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    assert statuses(exchange(connection, request("POST", FLOWS, fields, chunked) + LAST))[0] == 403
    assert wire.send("GET", f"{FLOWS}b/", bearer("root")).status == 404


@pytest.mark.parametrize("path", [f"{FLOWS}a/", PAGE, LIVE])
def test_a_half_closed_client_gets_its_responses(wire, connection, path):
    connection.sendall((patch("", '{"title": "half"}') + request(path=path, fields=CREDENTIALS)).encode())
    connection.shutdown(socket.SHUT_WR)
    assert statuses(everything(connection)) == [200, 200]
    assert title(wire) == "half"


@pytest.mark.parametrize("path", [LIVE, PAGE, FLOWS])
def test_what_is_no_http_is_refused_behind_any_response(connection, path):
    assert statuses(exchange(connection, request(path=path, fields=CREDENTIALS) + "no HTTP\r\n\r\n")) == [200, 400]


def test_a_long_pipeline_is_answered_to_its_end(wire, connection):
    count = 10_000
    sent = (request(path=f"{FLOWS}a/", fields=CREDENTIALS) * count + LAST).encode()
    # More than the buffers of the system take: it is read while it is sent.
    sender = threading.Thread(target=connection.sendall, args=(sent,))
    sender.start()
    with connection.makefile("rb") as reader:
        received = reader.read()
    sender.join()
    assert received.count(b"HTTP/1.1 200 ") == count + 1
