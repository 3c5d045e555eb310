"""What a proxy checks, hides or says, no client gets past."""

import itertools
import json
import re

import pytest

from app.conformance.raw_http import RawClient
from app.settings import Settings
from tests.asgi import FLOWS
from tests.e2e.test_command import FLOW, bearer
from tests.proxies import configurations
from tests.proxies.running import FRONTS, TOKEN, haproxy, nginx
from tests.proxies.shapes import chunk, head, sized
from tests.proxies.test_smuggling import send
from tests.serving import free_port

# Ways to write the path of the metrics that one server or another takes for it.
METRICS = (
    "/-/metrics/",
    "/-/metrics",
    "//-/metrics/",
    "/-//metrics/",
    "/-/metrics//",
    "/-/./metrics/",
    "/x/../-/metrics/",
    "/-/%6Detrics/",
    "/%2D/metrics/",
    "/-%2Fmetrics/",
    "/-%2fmetrics%2F",
    "/x/..%2F-/metrics/",
    "/%2E%2E/-/metrics/",
    "/-%252Fmetrics/",
    "/-%5Cmetrics/",
    "/-/metrics/;a",
    "/-/METRICS/",
    "/-/metrics/?a",
    "/-/metrics/%3Fa",
    "/-/metrics/%20",
    "http://flows.example/-/metrics/",
    "http://other.example/-/metrics/",
    "HTTP://flows.example:80/-/metrics/?a",
)
PROXIES = [name for name in FRONTS if name != "direct"]


@pytest.fixture(params=PROXIES)
def proxy(fronts, request):
    """Each of the proxies."""
    return fronts(request.param)


def test_a_page_that_the_proxy_denies_is_given_to_nobody(proxy):
    for path in METRICS:
        received = send(proxy, [head("Connection: close\r\n", f"GET {path}")])
        assert re.match(rb"HTTP/1.1 (400|403|404) ", received), (path, received[:200])
        assert b"flows_requests_total" not in received, path


def test_an_encoded_slash_separates_nothing(front):
    """A rule of a proxy may be about the path as it is sent."""
    for slash in ("%2F", "%2f", "%252F", "%5C"):
        for path in (f"/api/v3/flows{slash}instances/", f"/api{slash}v3/flows/instances/", f"{FLOWS}own-0{slash}"):
            assert front.wire().send("GET", path, bearer(TOKEN)).status in (400, 404), path


CHUNKED = "Connection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("segments", [1, 2], ids="{}-segments".format)
def test_a_trailer_gives_no_credentials(front, segments):
    slug = f"by-trailer-{next(numbers)}"
    body = chunk(json.dumps(FLOW | {"slug": slug}))
    trailer = f"0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    pieces = [head(CHUNKED) + body, trailer]
    received = send(front, pieces if segments == 2 else ["".join(pieces)])
    assert received.startswith(b"HTTP/1.1 403 "), received[:200]
    assert front.server().send("GET", f"{FLOWS}{slug}/", bearer(TOKEN)).status == 404


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Proto", "Authorization"])
def test_a_trailer_takes_no_header_s_place(front, name):
    value = {"Host": "evil.example", "X-Forwarded-Proto": "evil", "Authorization": "Bearer none"}[name]
    headers = f"Authorization: Bearer {TOKEN}\r\n{CHUNKED}"
    received = send(front, [head(headers, "GET /") + f"0\r\n{name}: {value}\r\n\r\n"])
    assert re.match(rb"HTTP/1.1 (200|400) ", received), received[:200]
    assert b"evil" not in received


def test_the_proxy_says_host_and_scheme(proxy):
    """Whatever a client says of the scheme."""
    response = proxy.wire().send("GET", "/", [("Host", "flows.example"), ("X-Forwarded-Proto", "gopher")])
    assert response.status == 200
    assert b"http://flows.example/api/v3/" in response.body.replace(b"<wbr>", b"")
    assert b"gopher" not in response.body


def test_a_client_that_has_said_all_gets_its_response(front):
    """It closes its half of the connection behind a change; nginx takes that for the end of a client."""
    title = f"closed {next(numbers)}"
    body = json.dumps({"title": title})
    assert front.server().send("POST", FLOWS, bearer(TOKEN), json.dumps(FLOW | {"slug": "half"}).encode()).status < 500
    headers = f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{sized(body)}"
    received = send(front, [head(headers, f"PATCH {FLOWS}half/") + body], half_closed=True)
    if not front.name.startswith("nginx"):
        assert received.startswith(b"HTTP/1.1 200 ")
        assert title.encode() in received
    after = send(front, [head(f"Authorization: Bearer {TOKEN}\r\nConnection: close\r\n", f"GET {FLOWS}half/")])
    assert after.startswith(b"HTTP/1.1 200 ")


numbers = itertools.count()
ONES = {"nginx": nginx, "haproxy": haproxy}


@pytest.fixture(params=ONES)
def strict(fronts, request, tmp_path):
    """The port of a proxy with a low rate: its status 429 for what is above."""
    with ONES[request.param](tmp_path / request.param, fronts("direct").direct, rate=5) as port:
        yield port


def test_a_client_above_the_rate_is_refused_by_the_proxy(strict, fronts):
    limited = RawClient(f"http://127.0.0.1:{strict}")
    statuses = [limited.send("GET", "/-/health/live/").status for _ in range(40)]
    assert set(statuses) == {200, 429}
    assert fronts("direct").wire().send("GET", "/-/health/live/").status == 200


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_the_proxy_takes_bodies_as_large_as_the_server_does(fronts, name):
    most = Settings().body_limit
    # Nobody but the server says what is wrong with the text before the first part.
    headers = [*bearer(TOKEN)[:1], ("Content-Type", "multipart/form-data; boundary=x")]
    assert fronts(name).wire().send("POST", f"{FLOWS}import/", headers, b"a" * most).status == 400
    # It refuses by what is said of the length.
    larger = head(f"Content-Length: {most + 1}\r\n") + "a" * 32_000
    assert send(fronts(name), [larger]).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("language", "path"), [("nginx", configurations.NGINX), ("haproxy", configurations.HAPROXY)])
def test_the_documented_configuration_is_the_one_that_is_tested(language, path):
    text = (configurations.ROOT / "docs" / "operations.md").read_text("utf-8")
    assert re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) == [path.read_text()]


def test_what_a_test_starts_listens_to_this_machine_only():
    for make in (configurations.nginx, configurations.haproxy):
        given = ("/folder", "", free_port(), "127.0.0.1:1") if make is configurations.nginx else (1, "127.0.0.1:1")
        listening = re.findall(r"^\s*(?:listen|bind) (\S+)", make(*given), re.MULTILINE)
        assert listening
        assert all(address.startswith("127.0.0.1:") for address in listening)
