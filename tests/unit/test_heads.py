"""Request lines and header fields that are refused, and what follows a response (RFC 9112)."""

import httptools
import pytest

from app.server import heads
from app.server.parsing import MOST_FIELDS
from tests.wired import bodies, echo, exchange, statuses

HOST = b"Host: x\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


def request(fields=HOST, body=b"", target=b"/", version=b"HTTP/1.1", method=b"POST"):
    return b"%b %b %b\r\n%b\r\n%b" % (method, target, version, fields, body)


def rejected(status, sent):
    """Whether a request is refused, alone and behind another one, and nothing behind it is read."""
    for before in (b"", NEXT):
        for segments in ([before + sent + NEXT], [before + sent, NEXT], [before, sent, NEXT]):
            received, ended = exchange(echo, *segments)
            assert statuses(received) == [200] * bool(before) + [status]
            assert set(bodies(received)[-1]) == {"detail"}
            assert ended
    return True


@pytest.mark.parametrize(
    "fields",
    [b"", b"X: y\r\n", HOST * 2, HOST + b"hOST: y\r\n", HOST + b"A: b\r\n" + HOST]
    + [
        b"Host: %b\r\n" % value
        for value in (b"", b" ", b"a b", b"a, b", b"a/b", b"a@b", b"\xe4", b"a:b", b"a:1:2", b"[::1", b"a\\b", b"a?b")
    ],
)
def test_anything_but_one_valid_host_is_refused(fields):
    assert rejected(400, request(fields))


@pytest.mark.parametrize("value", [b"a", b"a.example:9443", b"127.0.0.1:80", b"[::1]:80", b"a_b-c~d", b"a:", b" a \t"])
def test_a_valid_host_is_taken(value):
    received, ended = exchange(echo, request(b"Host: %b\r\n" % value))
    assert (statuses(received), ended) == ([200], False)


def test_http_1_0_needs_no_host():
    received, ended = exchange(echo, request(b"", version=b"HTTP/1.0"))
    assert (statuses(received), ended) == ([200], True)


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9"])
def test_another_version_is_refused(version):
    assert rejected(505, request(version=version))


@pytest.mark.parametrize("version", [b"HTTP/3.0", b"HTTP/1.2", b"HTTP/11", b"HTTP/1", b"http/1.1", b"HTTPS/1.1"])
def test_an_unknown_version_is_refused(version):
    assert rejected(400, request(version=version))


def test_the_preface_of_http_2_is_refused():
    assert rejected(400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        b"Transfer-Encoding: " + value + b"\r\n"
        for value in (b"gzip, chunked", b"gzip,chunked", b"identity, chunked", b"x;y=z, ChunkeD ")
    ]
    + [
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: deflate\r\nA: b\r\nTRANSFER-ENCODING: chunked\r\n",
    ],
)
def test_a_coding_beside_chunked_is_refused(fields):
    assert rejected(501, request(HOST + fields, b"0\r\n\r\n"))


@pytest.mark.parametrize(
    "value", [b"gzip", b"chunked, gzip", b"chunked, chunked", b"xchunked", b"chunked;q=1", b"", b"chunked,"]
)
def test_a_body_without_an_end_is_refused(value):
    assert rejected(400, request(HOST + b"Transfer-Encoding: %b\r\n" % value, b"0\r\n\r\n"))


def test_http_1_0_has_no_chunks():
    assert rejected(400, request(HOST + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", version=b"HTTP/1.0"))


@pytest.mark.parametrize("value", [b"chunked", b"CHUNKED", b"chunked "])
def test_chunks_are_read(value):
    received, ended = exchange(
        echo, request(HOST + b"Transfer-Encoding: %b\r\n" % value, b"1;x=y\r\na\r\n0\r\n\r\n") + NEXT
    )
    assert [seen["body"] for seen in bodies(received)] == ["a", ""]
    assert not ended


TRAILERS = {
    "credentials": b"Authorization: Bearer x",
    "host": b"Host: evil",
    "scheme": b"X-Forwarded-Proto: https",
    "expectation": b"Expect: 100-continue",
    "upgrade": b"Upgrade: x\r\nConnection: upgrade",
    "many": b"A: b\r\n" * 1000 + b"A: b",
}


@pytest.mark.parametrize("fields", TRAILERS.values(), ids=TRAILERS)
def test_trailers_are_dropped_however_they_come(fields):
    head, body = request(HOST + b"Transfer-Encoding: chunked\r\n"), b"1\r\na\r\n0\r\n"
    trailers = fields + b"\r\n\r\n"
    plain = exchange(echo, head + body + b"\r\n" + NEXT)
    for segments in ([head + body + trailers + NEXT], [head, body + trailers + NEXT], [head + body, trailers, NEXT]):
        assert exchange(echo, *segments) == plain


@pytest.mark.parametrize("trailer", [b"Content-Length: 5", b"Transfer-Encoding: gzip"])
def test_trailers_that_would_move_the_end_are_refused(trailer):
    received, ended = exchange(
        echo, request(HOST + b"Transfer-Encoding: chunked\r\n", b"0\r\n" + trailer + b"\r\n\r\n") + NEXT
    )
    assert (statuses(received), ended) == ([400], True)


def test_a_trailer_may_end_the_connection():
    sent = request(HOST + b"Transfer-Encoding: chunked\r\n", b"0\r\nConnection: close\r\n\r\n")
    received, ended = exchange(echo, sent + NEXT)
    assert (statuses(received), ended) == ([200], True)
    assert b"connection: close\r\n" in received


@pytest.mark.parametrize(
    "endless",
    [b"a:b\r\n", b"a:" + b"b" * 10_000 + b"\r\n", b"a" * 5000 + b":\r\n", b"a:\r\n"],
    ids=["trailers", "long values", "long names", "empty"],
)
def test_trailers_have_an_end(endless):
    sent = request(HOST + b"Transfer-Encoding: chunked\r\n", b"0\r\n" + endless * (200_000 // len(endless)))
    for segments in ([sent], [sent[:100], sent[100:]], [sent[n : n + 999] for n in range(0, len(sent), 999)]):
        received, ended = exchange(echo, *segments)
        assert (statuses(received), ended) == ([400], True)


@pytest.mark.parametrize(
    "chunk", [b"1;" + b"a" * 1000 + b"\r\nx\r\n", b"1;" + b"a" * 200_000, b"0" * 14 + b"1;a=b\r\nx\r\n"]
)
def test_chunks_have_little_beside_their_content(chunk):
    sent = request(HOST + b"Transfer-Encoding: chunked\r\n", chunk * (200_000 // len(chunk) + 1))
    received, ended = exchange(echo, *[sent[n : n + 5000] for n in range(0, len(sent), 5000)])
    assert (statuses(received), ended) == ([400], True)


def test_chunks_of_one_byte_are_read():
    received, _ = exchange(
        echo, request(HOST + b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")
    )
    assert bodies(received)[0]["body"] == "a" * 100_000


@pytest.mark.parametrize(
    "fields",
    [b"a:\r\n" * (MOST_FIELDS + 1), b"a: b\r\n" * 50_000, b"a: " + b"b" * 32_768 + b"\r\n", b"a" * 70_000 + b":\r\n"],
)
def test_a_head_that_is_too_large_is_refused(fields):
    sent = request(HOST + fields)
    for segments in ([sent], [sent[n : n + 1000] for n in range(0, len(sent), 1000)]):
        received, ended = exchange(echo, *segments)
        assert (statuses(received), ended) == ([431], True)


def test_a_target_that_is_too_large_is_refused():
    received, ended = exchange(echo, request(target=b"/" + b"a" * 70_000))
    assert (statuses(received), ended) == ([431], True)


def test_a_head_that_is_large_is_taken():
    received, _ = exchange(
        echo, request(HOST + b"a: b\r\n" * (MOST_FIELDS - 2) + b"a: " + b"b" * 31_000 + b"\r\n") + NEXT
    )
    assert [len(seen["fields"]) for seen in bodies(received)] == [MOST_FIELDS, 1]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a%2Fb", "/a%2Fb"),
        (b"/a%2fb", "/a%2Fb"),
        (b"/%2f%2F/", "/%2F%2F/"),
        (b"/a%252Fb", "/a%2Fb"),
        (b"/a%25252fb", "/a%252fb"),
        (b"/%61%20%2F%C3%A4", "/a %2F\xe4"),
        (b"/a%2", "/a%2"),
        (b"/a%5Cb", "/a\\b"),
        (b"/a?b=%2F", "/a"),
        (b"http://x/a%2Fb", "/a%2Fb"),
        (b"http://x", "/"),
    ],
)
def test_an_encoded_slash_separates_nothing(target, path):
    assert bodies(exchange(echo, request(target=target))[0])[0]["path"] == path


def test_what_is_no_http_is_refused_behind_any_request():
    for noise in (
        b"\0\0\0",
        b"no HTTP at all\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\r\n\r\n",
    ):
        assert rejected(400, noise)


@pytest.mark.parametrize(
    "target",
    [b"/", b"/a/b/", b"/a?b=c", b"/a?b?c", b"/?", b"//a//b/", b"/a;b=c,d/%2Fe", b"/a?b=/c", b"/a#b?c", b"/a?b#c",
     b"http://host/a?b=c", b"http://host:8000", b"http://host?a=b"],
)  # fmt: skip
def test_a_target_is_split_as_a_parser_of_urls_does_it(target):
    url = httptools.parse_url(target)
    assert heads.split(target) == (url.path or b"/", url.query or b"")
