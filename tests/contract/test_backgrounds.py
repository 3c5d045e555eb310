"""The pictures behind flows: uploaded, named by URL, and served again, on each engine."""

import re
import threading

import pytest
import sqlalchemy as sa

from app.store.schema.tables import files
from tests.asgi import FLOWS, Client
from tests.conftest import application
from tests.forms import form

DEFAULT = "/static/dist/assets/images/flow_background.jpg"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
URL = re.compile(r"/media/public/flow-backgrounds/[0-9a-f]{16}-([-\w.%~]+)", re.ASCII)


class Pictured:
    """A flow with a background."""

    def __init__(self, client, slug):
        self.client = client
        self.slug = slug

    @property
    def path(self):
        return f"{FLOWS}{self.slug}/"

    @property
    def background(self):
        return self.client.get(self.path).json()["background"]

    def upload(self, content=PNG, name="picture.png", media_type="image/png", texts=None):
        body, headers = form(texts, file=(name, media_type, content))
        return self.client.post(f"{self.path}set_background/", body=body, headers=headers)

    def uploaded(self, *file):
        """Upload a file. :returns: its URL"""
        response = self.upload(*file)
        assert (response.status, response.json()) == (200, {})
        return self.background

    def clear(self, word="true"):
        body, headers = form({"clear": word})
        return self.client.post(f"{self.path}set_background/", body=body, headers=headers)

    def name(self, url):
        response = self.client.post(f"{self.path}set_background_url/", {"url": url})
        assert (response.status, response.json()) == (200, {})
        return self.background


@pytest.fixture
def flow(client_on_each, make_flow):
    return pictured(client_on_each, make_flow)


def pictured(client, make_flow):
    """A new flow."""
    return Pictured(client, client.post(FLOWS, make_flow()).json()["slug"])


def stored(client):
    """The files that are stored."""
    with client.store.database.read() as session:
        return [tuple(row) for row in session.rows(client.store.database.compile(sa.select(files.c.path)))]


@pytest.mark.parametrize(
    ("content", "media_type", "served_as"),
    [
        (PNG, "image/png", "image/png"),
        (SVG, "image/svg+xml", "image/svg+xml"),
        (SVG, "image/SVG+XML; charset=utf-8", "image/svg+xml"),
        (b"<script>alert(1)</script>", "text/html", "text/html"),
        (b"\0\xff", "", "application/octet-stream"),
        (b"", "image/png", "image/png"),
    ],
)
def test_an_upload_is_served_to_everybody_and_may_do_nothing(flow, content, media_type, served_as):
    url = flow.uploaded(content, "picture", media_type)
    response = flow.client.get(url, token="")
    assert (response.status, response.body, response.headers["content-type"]) == (200, content, served_as)
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["sandbox"] == ""
    assert "script-src" not in policy
    assert "immutable" in response.headers["cache-control"]
    assert flow.client("HEAD", url).headers["content-length"] == str(len(content))
    assert flow.client.post(url).status == 405


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("picture.png", "picture.png"),
        ("my picture (1).png", "my_picture_1.png"),
        ("../../../etc/passwd", "passwd"),
        ("..\\\\..\\\\windows\\\\system.ini", "system.ini"),
        ("/absolute.png", "absolute.png"),
        ("%2e%2e%2fescape.png", "2e2e2fescape.png"),
        (".htaccess", "htaccess"),
        ("a?b#c&d=e.png", "abcde.png"),
        ("<script>.svg", "script.svg"),
        ("Ångström.png", "%C3%85ngstr%C3%B6m.png"),
        ("画像.png", "%E7%94%BB%E5%83%8F.png"),
        ("\U0001f600", "background"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
    ],
)
def test_the_name_of_an_upload(flow, name, kept):
    url = flow.uploaded(PNG, name)
    assert URL.fullmatch(url)[1] == kept
    assert flow.client.get(url).body == PNG


@pytest.mark.parametrize("name", ["", "..", "folder/", "/"])
def test_a_file_without_a_name_is_none(flow, name):
    response = flow.upload(name=name)
    assert (response.status, response.json()) == (400, {"non_field_errors": ["One of 'file' or 'clear' must be set."]})
    assert (flow.background, stored(flow.client)) == (DEFAULT, [])


@pytest.mark.parametrize(
    "path", ["", "x", "../../openapi", "%2e%2e/%2e%2e/etc/passwd", "//x", "flow-backgrounds/", "\0"]
)
def test_nothing_else_is_served_as_a_file(flow, path):
    flow.upload()
    assert flow.client.get(f"/media/public/{path}").status == 404


def test_uploads_of_one_name_are_told_apart(flow, make_flow):
    other = pictured(flow.client, make_flow)
    first, second = flow.uploaded(b"first"), other.uploaded(b"second")
    assert first != second
    assert [flow.client.get(url).body for url in (first, second)] == [b"first", b"second"]


def test_an_upload_that_is_replaced_is_gone(flow):
    first = flow.uploaded(b"first")
    second = flow.uploaded(b"second")
    assert flow.client.get(first).status == 404
    assert flow.client.get(second).body == b"second"
    assert flow.name("https://goauthentik.io") == "https://goauthentik.io"
    assert flow.client.get(second).status == 404
    assert stored(flow.client) == []


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_clearing_goes_back_to_the_default(flow, word):
    url = flow.uploaded()
    response = flow.clear(word)
    assert (response.status, response.json(), flow.background) == (200, {}, DEFAULT)
    assert flow.client.get(url).status == 404
    assert flow.clear(word).status == 200


def test_clearing_for_no_reason_is_refused(flow):
    url = flow.uploaded()
    assert flow.clear("false").status == 400
    assert flow.background == url


def test_an_upload_goes_with_its_flow(flow):
    url = flow.uploaded()
    assert flow.client.delete(flow.path).status == 204
    assert flow.client.get(url).status == 404
    assert stored(flow.client) == []


def test_an_upload_belongs_to_one_flow(flow, make_flow):
    """Whoever takes the picture of another flow can't take it away."""
    url, other = flow.uploaded(), pictured(flow.client, make_flow)
    assert other.name(url) == url
    other.name("")
    assert flow.client.get(url).body == PNG
    other.name(url)
    assert flow.client.delete(other.path).status == 204
    assert flow.client.get(url).body == PNG


@pytest.mark.parametrize("url", ["https://example.com/a b.png", "picture.png", "", None])
def test_a_background_survives_changes_of_its_flow(flow, make_flow, url):
    background = flow.uploaded() if url is None else flow.name(url)
    # The web interface names the URL that it has read again with each change.
    assert flow.name(background) == background
    for method, properties in (("PUT", make_flow()), ("PATCH", {"title": "Other"}), ("PATCH", {"background": "x"})):
        changed = flow.client(method, flow.path, properties).json()
        assert changed["background"] == background
        flow.slug = changed["slug"]
    assert len(stored(flow.client)) == (url is None)


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("http://example.com/a", "http://example.com/a"),
        ("/static/dist/assets/images/other.jpg", "/static/dist/assets/images/other.jpg"),
        ("/media/public/other.png", "/media/public/other.png"),
        ("other.png", "/media/public/other.png"),
        ("/folder/öther file.png", "/media/public/folder/%C3%B6ther%20file.png"),
        ("folder\\other.png", "/media/public/folder/other.png"),
        ("javascript:alert(1)", "/media/public/javascript%3Aalert(1)"),
        ("//example.com/x.png", "/media/public/example.com/x.png"),
        ("", DEFAULT),
    ],
)
def test_what_is_named_by_url(flow, given, answered):
    assert flow.name("https://goauthentik.io") == "https://goauthentik.io"
    assert flow.name(given) == answered


def test_what_is_too_large_is_not_stored(contract, flow):
    url = flow.uploaded()
    address = flow.client.store.database.address
    # What is shown has no password, and needs none here.
    database = f"sqlite:///{address}" if address.path is not None else str(address)
    with application(database, contract, body_limit=len(PNG)) as (_, app):
        limited = Pictured(Client(app, "root"), flow.slug)
        response = limited.upload()
        assert response.status == 413
        assert response.json() == {"detail": f"The request body is larger than {len(PNG)} bytes."}
        assert (flow.background, len(stored(flow.client))) == (url, 1)
        assert limited.upload(PNG[:1000]).status == 200


def test_what_breaks_off_is_not_stored(flow):
    body, headers = form(file=("picture.png", "image/png", PNG))
    for end in (1, len(body) // 2, len(body) - 1, len(body)):
        assert flow.client.break_off("POST", f"{flow.path}set_background/", body[:end], headers) == []
    # As much as was announced, but not all of the form.
    for end in (100, len(body) // 2, len(body) - 10):
        response = flow.client.post(f"{flow.path}set_background/", body=body[:end], headers=headers)
        assert response.status == 400
    assert (flow.background, stored(flow.client)) == (DEFAULT, [])


def test_those_who_upload_at_once_leave_one_file(flow):
    responses = []

    def work(number):
        responses.extend(flow.upload(b"%d" % number).status for _ in range(4))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert responses == [200] * 16
    assert len(stored(flow.client)) == 1
    assert flow.client.get(flow.background).status == 200
