"""What an attacker without a token sends to have part of it taken for a request of its own, or of another client.

Each shape is a list of segments: they arrive one after the other.
"""

from tests.asgi import FLOWS
from tests.proxies.victims import SMUGGLED, VICTIM

# A whole request, and the beginning of one, which the next client on the connection would complete with its token.
WHOLE = f"GET {FLOWS}{SMUGGLED}/ HTTP/1.1\r\nHost: x\r\n\r\n"
BEGUN = f"DELETE {FLOWS}{VICTIM}/ HTTP/1.1\r\nX: "
# Where a body is read, and where none is.
TARGETS = (f"POST {FLOWS}", f"GET {FLOWS}own-0/", "GET /", "POST /-/health/live/", "POST /nowhere/")
# Bytes that more than one read of the server takes.
LONG = 300_000


def head(headers, target=TARGETS[0], version="1.1"):
    """A request line and headers. :param headers: besides `Host`, each with the end of its line"""
    return f"{target} HTTP/{version}\r\nHost: flows.example\r\n{headers}\r\n"


def sized(body):
    """A header with the length of a body."""
    return f"Content-Length: {len(body)}\r\n"


def chunk(text):
    """A chunk."""
    return f"{len(text):x}\r\n{text}\r\n"


def upgrade(inner):
    """Another protocol is asked for, and the body is left to be read."""
    for asked in (
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive, upgrade\r\nUpgrade: x/1, y\r\n",
    ):
        for target in TARGETS:
            yield [head(asked + sized(inner), target) + inner]
            yield [head(asked + sized(inner), target), inner]
        yield [head(asked + "Transfer-Encoding: chunked\r\n"), chunk(inner) + "0\r\n\r\n"]
    repeated = inner * (LONG // len(inner))
    yield [head("Connection: Upgrade\r\nUpgrade: h2c\r\n" + sized(repeated)), repeated]


def connect(inner):
    """A tunnel is asked for, to where none can lead: elsewhere, what follows may be a request of the client's own."""
    yield [head(sized(inner), f"CONNECT {FLOWS}") + inner]
    yield [head(sized(inner), f"CONNECT {FLOWS}"), inner]


def lengths(inner):
    """The length is said twice, or in another way."""
    whole = "0\r\n\r\n" + inner
    yield [head(sized(whole) + "Transfer-Encoding: chunked\r\n") + whole]
    yield [head("Transfer-Encoding: chunked\r\n" + sized(whole)) + whole]
    yield [head("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + chunk(inner) + "0\r\n\r\n"]
    size = len(inner)
    for said in (f"0\r\nContent-Length: {size}", f"0, {size}", f"+{size}", f"{size} 0", f"0x{size:x}", f"{size}.0"):
        yield [head(f"Content-Length: {said}\r\n") + inner]
    yield [head(f"Content-Length : {size}\r\n") + inner]
    yield [head(f"X: a\nContent-Length: {size}\r\n") + inner]


def encodings(inner):
    """`Transfer-Encoding` is written as not everybody reads it."""
    whole = "0\r\n\r\n" + inner
    for line in (
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding:\x0bchunked",
        'Transfer-Encoding: "chunked"',
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding:\r\n chunked",
        " Transfer-Encoding: chunked",
        "X: a\nTransfer-Encoding: chunked",
        "X: a\rTransfer-Encoding: chunked",
        "TRANSFER-ENCODING: CHUNKED",
    ):
        yield [head(f"{line}\r\n{sized(whole)}") + whole]
        if not line.startswith(" "):
            yield [head(f"{line}\r\nContent-Length: 4\r\n") + chunk(inner) + "0\r\n\r\n"]
    yield [head(f"Transfer_Encoding: chunked\r\n{sized(whole)}") + whole]
    yield [head("Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", version="1.0") + whole]


def chunks(inner):
    """Chunks end where not everybody sees it."""
    chunked, size = "Transfer-Encoding: chunked\r\n", len(inner)
    for body in (
        f"5;a\nb\r\nhello\r\n0\r\n\r\n{inner}",
        f"{size:x};a={'b' * 20_000}\r\n{inner}\r\n0\r\n\r\n",
        f'5;a="\r\n{inner}"\r\nhello\r\n0\r\n\r\n',
        f"{size:x}\n{inner}\r\n0\n\n",
        f"{size:x}\r{inner}\r\n0\r\n\r\n",
        f"5\r\nhelloX\r\n0\r\n\r\n{inner}",
        f"{size:x} \r\n{inner}\r\n0\r\n\r\n",
        f"0{size:x}\r\n{inner}\r\n0\r\n\r\n",
        f"0x{size:x}\r\n{inner}\r\n0\r\n\r\n",
        f"{'0' * 20}{size:x}\r\n{inner}\r\n0\r\n\r\n",
        f"1{size:016x}\r\n{inner}\r\n0\r\n\r\n",
        f"-1\r\n{inner}\r\n0\r\n\r\n",
    ):
        yield [head(chunked) + body]
        yield [head(chunked), body]


def trailers(inner):
    """Headers behind the last chunk say how long the body is, or who sends it."""
    for trailer in ("Content-Length: 1000", "Transfer-Encoding: chunked", "Host: evil.example", "a b c", inner[:-4]):
        for segments in ([f"0\r\n{trailer}\r\n\r\n{inner}"], [f"0\r\n{trailer}\r\n", f"\r\n{inner}"]):
            yield [head("Connection: close\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n"), *segments]


def unread(inner):
    """Bodies of requests that are answered before, or without, looking at them."""
    for target in TARGETS:
        yield [head(sized(inner), target) + inner]
        yield [head(sized(inner), target), inner]
        yield [head("Expect: 100-continue\r\n" + sized(inner), target), inner]
        yield [head("Expect: 200-ok\r\n" + sized(inner), target), inner]
    repeated = inner * (LONG // len(inner))
    yield [head(sized(repeated)), repeated[: LONG // 2], repeated[LONG // 2 :]]
    yield [head("Content-Length: 99999999\r\n"), inner]
    yield [head("Transfer-Encoding: chunked\r\n"), chunk(inner), chunk(repeated), "0\r\n\r\n"]


FAMILIES = (upgrade, connect, lengths, encodings, chunks, trailers, unread)
