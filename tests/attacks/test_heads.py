"""Ends of lines in slugs, names, file names and headers: they end nothing in the head of an answer, or in the log."""

import re
import socket
from urllib.parse import quote, unquote

import orjson
import pytest
import structlog

from app import logs
from app.contract.response.download import content_disposition
from tests.asgi import FLOWS
from tests.attacks.payloads import FOLDERS, LINES, MARKUP
from tests.attacks.planting import plant
from tests.attacks.watching import check_head
from tests.contract_files import shipped
from tests.examples import Examples, operations
from tests.forms import form
from tests.serving import served

STRANGE = (*LINES, "planted", "<planted>", "\xe9planted", "\x1b[2Jplanted", "planted" * 1000)
# Headers that decide what a request is answered.
DECIDING = ("accept", "authorization", "content-type", "host", "if-none-match", "prefer", "range", "x-forwarded-proto")
# Headers that a careless server repeats, or takes for the truth.
IGNORED = (
    "accept-language", "cookie", "expect", "forwarded", "origin", "referer", "traceparent", "user-agent", "x-authentik-id",
    "x-contract-rule", "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix", "x-http-method-override", "x-original-url",
    "x-request-id",
)  # fmt: skip
PATHS = (
    "/", "/contract/schemas/Flow/", "/-/static/style.css", "/nowhere/", FLOWS, f"{FLOWS}a/", f"{FLOWS}a/export/",
    f"{FLOWS}a/execute/", f"{FLOWS}nobody/",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_header_comes_back(watched, make_flow, path):
    watched.post(FLOWS, make_flow(slug="a"))
    for payload in STRANGE:
        # More than a server lets through, as it takes no end of a line for a part of a header.
        value = payload.encode().decode("latin-1")
        ignored = dict.fromkeys(IGNORED, value)
        for headers in (ignored, *({name: value} for name in DECIDING)):
            watched.get(path, headers=headers)
        watched.post(path, body=b"{", headers=ignored | {"content-type": "application/json"})


def test_no_stored_text_is_in_a_head(watched):
    examples = Examples(shipped(), watched)
    flow, types = examples.one("authentik_flows.flow"), set()
    for number, payload in enumerate(LINES):
        for operation in examples.creators.values():
            plant(examples, operation, operation.url, f"{payload} {number} {operation.id}")
        # Some of it ends a header of the part, or is not a form.
        body, headers = form(file=(f"planted{payload}.png", f"image/x{payload}", b"x"))
        assert watched.post(f"{FLOWS}{flow['slug']}/set_background/", body=body, headers=headers).status in (200, 400)
        background = watched.get(f"{FLOWS}{flow['slug']}/").json()["background"]
        if background.startswith("/media/"):
            types.add(watched.get(background).headers["content-type"])
    assert types == {"image/x", "application/octet-stream"}
    for operation in operations(shipped()).values():
        # A key is stored as a digest, so that none can be shown.
        if operation.method == "GET" and operation.id != "core_tokens_view_key_retrieve":
            assert watched.get(examples.url(operation.id), query="page_size=500").status == operation.success


def test_a_slug_is_in_the_name_of_an_export_and_can_be_nothing_else(watched, make_flow):
    for payload in (*LINES, *MARKUP, *FOLDERS, "a\n", "a;b", 'a"b', "é"):
        if re.fullmatch(r"[-\w]*", payload, re.ASCII):
            continue
        rejected = watched.post(FLOWS, make_flow(slug=payload))
        assert (rejected.status, [*rejected.json()]) == (400, ["slug"]), payload
        assert watched.get(f"{FLOWS}{quote(payload, safe='')}/export/").status == 404, payload
    slug = watched.post(FLOWS, make_flow(slug="-_A9")).json()["slug"]
    assert watched.get(f"{FLOWS}{slug}/export/").headers["content-disposition"] == 'attachment; filename="-_A9.yaml"'


def test_any_name_is_one_header():
    for name in (*STRANGE, *FOLDERS):
        header = content_disposition(name).decode("ascii")
        found = re.fullmatch(
            r"""attachment; filename="((?:[^"\\]|\\.)*)"(?:; filename\*=UTF-8''([\w!#$&+.^`|~%-]+))?""", header
        )
        assert header.isprintable(), name
        assert (unquote(found[2]) if found[2] else re.sub(r"\\(.)", r"\1", found[1])) == name


def heads(received):
    """The heads of the answers on a connection: status and headers of each."""
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = [tuple(line.split(b": ", 1)) for line in lines]
        length = int(dict(headers).get(b"content-length", 0))
        yield int(status.split()[1]), headers
        received = rest[length:]


@pytest.mark.parametrize(
    "lines",
    [
        b"GET %(api)s%%0d%%0aSet-Cookie:%%20planted=1/ HTTP/1.1\r\nHost: x\r\n",
        b"GET /?%%0d%%0aSet-Cookie:%%20planted=1 HTTP/1.1\r\nHost: x\r\n",
        b"GET /planted\xff\xfe%%ff HTTP/1.1\r\nHost: x\r\n",
        b"GET //planted.example/.. HTTP/1.1\r\nHost: x\r\n",
        b"GET http://planted.example/nowhere HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\nSet-Cookie: planted=1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\rSet-Cookie: planted=1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n Set-Cookie: planted=1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\0planted\r\n",
        b"GET / HTTP/1.1\r\nHost: planted\xe5\x98\x8d\xe5\x98\x8aSet-Cookie: planted=1\r\n",
        b"GET %(api)s HTTP/1.1\r\nHost: x\r\nX-Request-ID: planted\x0bSet-Cookie: planted=1\r\n",
        b"GET %(api)s HTTP/1.1\r\nHost: x\r\nAccept: planted\xc2\x85Set-Cookie: planted=1\r\n",
        b"PLANTED / HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_no_line_is_added_on_the_wire(site, lines):
    with socket.create_connection(site, 20) as connection:
        connection.sendall(lines % {b"api": FLOWS.encode()} + b"Connection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    responses = list(heads(received))
    assert len(responses) == 1
    for status, headers in responses:
        if status == 400:
            assert {name for name, _ in headers} <= {b"content-type", b"content-length", b"connection"}
        else:
            check_head(status, [(name, value) for name, value in headers if name not in (b"connection", b"server")])


@pytest.fixture(scope="module")
def site(shared):
    """Host and port of a server."""
    with served(shared[1]) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


@pytest.fixture
def configured():
    """Lets a test configure the log; asked for before what captures the log, which is gone when it is as it was."""
    yield logs.configure
    logs.configure("error", "json")


@pytest.mark.parametrize("form_of_log", ["json", "console"])
def test_an_event_is_one_line_of_the_log(configured, capfd, form_of_log):
    """And no order to the terminal that shows it."""
    texts = [*STRANGE, *MARKUP, '"}\n{"event":"planted"}', "\x9b31m", "\x07\x08\x7f", "\u202e"]
    configured("info", form_of_log)
    for text in texts:
        structlog.get_logger("flows.request").info("request", path=text, token=text, reason=text)
    lines = capfd.readouterr().err.split("\n")
    assert (len(lines), lines.pop()) == (len(texts) + 1, "")
    for line, text in zip(lines, texts, strict=True):
        if form_of_log == "console":
            assert line.isprintable(), line
        else:
            assert orjson.loads(line)["path"] == text
            assert not re.search(r"[\x00-\x1f]", line), line
