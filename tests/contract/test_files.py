"""Files that are downloaded."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contract.response.download import content_disposition
from app.contract.serve.response_cache import ResponseCache
from app.domain import File
from tests.contract.widgets import ID, WIDGETS, serve

DRAWING = f"{WIDGETS}{ID}/drawing/"


def drawing(*files):
    """A client of a server that answers one file after the other."""
    waiting = list(files)
    return serve(
        widgets_drawing_retrieve=lambda store, pk: waiting.pop(0),
        memory=ResponseCache(lambda: "unchanged", 10),
    )


def test_a_file_is_sent_as_it_is():
    content = bytes(range(256))
    response = drawing(File(content, "application/yaml", "my-flow.yaml")).get(DRAWING)
    assert (response.status, response.body) == (200, content)
    assert response.headers["content-type"] == "application/yaml"
    assert response.headers["content-disposition"] == 'attachment; filename="my-flow.yaml"'
    assert response.headers["content-length"] == "256"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_file_of_which_nothing_is_said_is_of_the_first_media_type():
    response = drawing(File(b"{}")).get(DRAWING)
    assert (response.headers["content-type"], response.headers["content-disposition"]) == (
        "application/json",
        "attachment",
    )


def test_an_empty_file():
    response = drawing(File(b"", "application/yaml")).get(DRAWING)
    assert (response.status, response.body) == (200, b"")
    assert (response.headers["content-length"], response.headers["content-type"]) == ("0", "application/yaml")


def test_the_head_of_a_file():
    response = drawing(File(b"a: 1", "application/yaml", "a.yaml"))("HEAD", DRAWING)
    assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "4")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/yaml", 200),
        ("text/html, application/*;q=0.1", 200),
        ("*/*", 200),
        ("text/html", 406),
        ("", 406),
    ],
)
def test_any_media_type_that_a_file_can_have_is_acceptable(accept, status):
    client = drawing(File(b"a: 1", "application/yaml"))
    assert client.get(DRAWING, headers={"accept": accept}).status == status


def test_another_operation_does_not_become_acceptable():
    assert serve().get(WIDGETS, headers={"accept": "application/yaml"}).status == 406
    assert serve().post(DRAWING, headers={"accept": "application/yaml"}).status == 406


@pytest.mark.parametrize("result", [File(b"", "text/plain"), b"a: 1", {"a": 1}, None])
def test_what_the_contract_does_not_have_is_not_sent(result):
    assert drawing(result).get(DRAWING).status == 500


def test_a_file_is_made_anew_for_each_request():
    client = drawing(File(b"one"), File(b"two"))
    assert [client.get(DRAWING).body, client.get(DRAWING).body] == [b"one", b"two"]


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a b.yaml", 'attachment; filename="a b.yaml"'),
        ('a"b\\c', 'attachment; filename="a\\"b\\\\c"'),
        ("übung.yaml", "attachment; filename=\"_bung.yaml\"; filename*=UTF-8''%C3%BCbung.yaml"),
        ("a\r\nX-B: 1", "attachment; filename=\"a__X-B: 1\"; filename*=UTF-8''a%0D%0AX-B%3A%201"),
        ("", "attachment"),
    ],
)
def test_the_name_of_a_file(filename, header):
    assert content_disposition(filename) == header.encode()


@given(st.text(min_size=1, max_size=50))
def test_any_name_makes_one_header_that_says_it(filename):
    header = content_disposition(filename).decode("ascii")
    plain = re.fullmatch(
        r"""attachment; filename="((?:[^"\\]|\\.)*)"(?:; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+))?""", header
    )
    assert plain
    assert header.isprintable()
    unquoted = re.sub(r"\\(.)", r"\1", plain[1])
    assert (unquote(plain[2]) if plain[2] else unquoted) == filename
