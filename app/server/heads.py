"""Checks and normalization of HTTP/1.1 request lines and header fields (RFC 9112)."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

import httptools

Fields = list[tuple[bytes, bytes]]

# The fields that determine how a request is parsed.
FRAMING = frozenset({b"expect", b"host", b"transfer-encoding"})

# RFC 3986, section 3.2: a registered name, an IPv4 address, or an IP literal in brackets; and a port.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Za-z:.]+\])(?::[0-9]{0,5})?")
_ENCODED_SLASH = re.compile(r"%2[Ff]")


class Rejected(Exception):
    """A malformed or unsupported request, after which the connection can't be parsed reliably.

    :param status: status code of the response
    :param message: the error in the request
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check(version: str, fields: Fields) -> bool:
    """Check the version, `Host` and `Transfer-Encoding`, none of which depends on the resource.

    :param version: version of the protocol, such as `1.1`
    :param fields: the header fields named in `FRAMING`, with names in lower case
    :returns: whether the client waits for `100 Continue` before it sends the body
    :raises Rejected: by RFC 9110, section 15.6.6; RFC 9112, sections 3.2 and 6.1
    """
    if version not in ("1.0", "1.1"):
        raise Rejected(505, f"HTTP/{version} is not supported. Use HTTP/1.1.")
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts):
        raise Rejected(400, f"The request has {len(hosts)} Host headers. Send exactly one.")
    if hosts and not _HOST.fullmatch(hosts[0].strip()):
        raise Rejected(400, "The Host header is not a host name or address with an optional port.")
    codings = b",".join(value for name, value in fields if name == b"transfer-encoding").strip().lower()
    if codings and version == "1.0":
        raise Rejected(400, "HTTP/1.0 has no Transfer-Encoding. Send Content-Length.")
    if codings not in (b"", b"chunked"):
        if codings.rpartition(b",")[2].strip() != b"chunked":
            raise Rejected(400, "The last Transfer-Encoding is not chunked, so the length of the body is unknown.")
        raise Rejected(501, "Only the Transfer-Encoding chunked is supported. Send the body without another coding.")
    return version == "1.1" and any(
        name == b"expect" and value.strip().lower() == b"100-continue" for name, value in fields
    )


def split(target: bytes) -> tuple[bytes, bytes]:
    """Split a request target into its path and its query. :raises HttpParserInvalidURLError: it is malformed"""
    if target[:1] == b"/" and b"#" not in target:
        # The origin form, of which the parser has checked each byte.
        path, _, query = target.partition(b"?")
        return path, query
    url = httptools.parse_url(target)
    return url.path or b"/", url.query or b""


def decoded(path: str) -> str:
    """The percent-decoded path, except for `%2F`: an encoded slash is data and separates no segments (RFC 3986, section 2.2)."""
    return unquote(_ENCODED_SLASH.sub("%252F", path))


def without_upgrade(method: bytes, target: bytes, version: str, fields: Fields) -> bytes:
    """The request line and header fields as if the client had not offered another protocol (RFC 9110, section 7.8)."""
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version.encode(), b"".join(_lines(fields)))


def _lines(fields: Fields) -> Iterable[bytes]:
    for name, value in fields:
        if name == b"connection":
            options = [option.strip() for option in value.split(b",")]
            kept = b", ".join(option for option in options if option and option.lower() != b"upgrade")
            if kept:
                yield b"connection: %b\r\n" % kept
        elif name != b"upgrade":
            yield b"%b: %b\r\n" % (name, value)
