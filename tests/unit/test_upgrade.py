"""Requests that offer another protocol are served as if they did not (RFC 9110, section 7.8)."""

import pytest

from tests.wired import bodies, echo, exchange, statuses

VALUES = ["h2c", "websocket", "x", "HTTP/2.0, SHTTP/1.3", "\x80", "", "a" * 5000, "a" * 30_000]
HOST = b"Host: x\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = b"a\r\n\r\nb" * 50_000
BODIES = {
    "none": (b"", b""),
    "length": (b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
    "chunked": (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "larger than a read": (b"Content-Length: %d\r\n" % len(BIG), BIG),
    "trailers": (b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n0\r\nHost: evil\r\nUpgrade: x\r\n\r\n"),
}


def request(fields, body, target=b"/a%20b/?c=d", version=b"1.1", method=b"PATCH"):
    return b"%b %b HTTP/%b\r\n%bX: \xe4 y \r\n%b\r\n%b" % (method, target, version, HOST, fields, body)


def upgrade(value):
    return b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\nHTTP2-Settings: a\r\n" % value.encode(
        "latin-1"
    )


def without(received):
    """What was seen of each request, without what offers an upgrade; a field without a value offers nothing."""
    seen = bodies(received)
    for one in seen:
        assert not dict(one["fields"]).get("upgrade")
        one["fields"] = [
            field for field in one["fields"] if field[0] not in ("connection", "http2-settings", "upgrade")
        ]
    return seen


@pytest.mark.parametrize(("fields", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("value", VALUES)
def test_it_is_served_with_its_body_however_it_is_cut(value, fields, body):
    plain = without(exchange(echo, request(fields, body) + SMUGGLED)[0])
    assert [one["path"] for one in plain] == ["/a b/", "/smuggled"]
    sent = request(upgrade(value) + fields, body) + SMUGGLED
    head = sent.index(b"\r\n\r\n") + 4
    cuts = [[sent], [sent[:head], sent[head:]], [sent[: head - 2], sent[head - 2 : head + 3], sent[head + 3 :]]]
    if len(sent) < 2000:
        cuts.append([sent[n : n + 1] for n in range(len(sent))])
    for segments in cuts:
        received, ended = exchange(echo, *segments)
        assert without(received) == plain
        assert not ended


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize(
    "fields",
    [
        b"Upgrade: x\r\n",
        b"Connection: upgrade\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\nUpgrade: y\r\n",
        b"Upgrade: x\r\nConnection: close\r\nConnection: , UPGRADE ,\r\n",
        b"connection:upgrade,close\r\nupgrade:x\r\n",
        b'Connection: upgrade;x, "upgrade"\r\nUpgrade: x\r\n',
        b"Proxy-Connection: upgrade\r\nUpgrade: x\r\n",
    ],
)
def test_odd_forms_are_served_too(version, fields):
    received, ended = exchange(echo, request(fields + b"Content-Length: 3\r\n", b"abc", version=version) + SMUGGLED)
    seen = bodies(received)
    assert (seen[0]["body"], seen[0]["version"]) == ("abc", version.decode())
    closes = version == b"1.0" or b"close" in fields
    assert [one["path"] for one in seen[1:]] == ([] if closes else ["/smuggled"])
    assert ended == closes


def test_many_in_one_segment_are_answered_in_their_order():
    one = request(upgrade("h2c") + b"Content-Length: 3\r\n", b"abc")
    received, ended = exchange(echo, one * 1000)
    assert [seen["body"] for seen in bodies(received)] == ["abc"] * 1000
    assert not ended


def test_a_client_that_waits_for_100_continue_gets_it():
    received, _ = exchange(
        echo, request(upgrade("h2c") + b"Expect: 100-continue\r\nContent-Length: 3\r\n", b""), b"abc"
    )
    assert statuses(received) == [100, 200]
    assert bodies(received)[0]["body"] == "abc"


@pytest.mark.parametrize("fields", [b"", b"Content-Length: 3\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n"])
def test_a_tunnel_is_refused_and_nothing_behind_it_is_read(fields):
    tunnel = b"CONNECT x:80 HTTP/1.1\r\n" + HOST + fields + b"\r\n"
    for segments in ([tunnel + SMUGGLED], [tunnel, SMUGGLED]):
        received, ended = exchange(echo, *segments)
        assert (statuses(received), ended) == ([501], True)


@pytest.mark.parametrize(
    "fields", [b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Host: y\r\n"]
)
def test_what_is_refused_without_it_is_refused_with_it(fields):
    plain, _ = exchange(echo, request(fields, b"") + SMUGGLED)
    received, ended = exchange(echo, request(upgrade("x") + fields, b"") + SMUGGLED)
    assert received == plain
    assert statuses(received) in ([400], [501])
    assert ended
