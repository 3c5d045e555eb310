"""HTTP/1.1 requests with exactly the given bytes.

HTTP clients correct their input; a recorded request may be invalid on purpose (a bad method, a space in the target).
"""

import contextlib
import http.client
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import orjson

# The maximum time for one response, in seconds.
TIMEOUT = 30


@dataclass(frozen=True)
class RawResponse:
    """A response as received.

    :param status: the status code
    :param headers: names in lower case; the last of repeated ones
    :param body: the body, not decoded
    :param cookies: the values of all `Set-Cookie` headers
    """

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        """The body as JSON. :raises ValueError: it is not JSON"""
        return orjson.loads(self.body)


def split_url(url: str, *schemes: str) -> SplitResult:
    """Split the URL of a server into its parts.

    :param schemes: the allowed schemes
    :raises ValueError: it has another scheme, no host or an invalid port, or it is not a URL at all
    """
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in schemes and parts.hostname and parts.port != 0 and url.isprintable() and " " not in url:
            return parts
    raise ValueError(f"{url!r} is not a URL like http://127.0.0.1:8000.")


class RawClient:
    """A client that opens one connection per request.

    :param url: scheme, host and port; `http` only
    :raises ValueError: the URL is invalid, or of another scheme
    """

    def __init__(self, url: str) -> None:
        parts = split_url(url, "http")
        self._address = (parts.hostname or "", parts.port or 80)
        self.host = parts.netloc

    def send(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        *,
        chunked: bool = False,
    ) -> RawResponse:
        """Send one request and read the response.

        :param target: path and query, as sent
        :param headers: besides Host, Content-Length and Connection, which are added unless given
        :param chunked: send the body chunked, without Content-Length
        :raises OSError: the server does not respond
        """
        request = self._request(method, target, headers or [], body, chunked=chunked)
        with socket.create_connection(self._address, TIMEOUT) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method=method)
            try:
                response.begin()
                found = [(name.lower(), value) for name, value in response.getheaders()]
                cookies = tuple(value for name, value in found if name == "set-cookie")
                return RawResponse(response.status, dict(found), response.read(), cookies)
            except http.client.HTTPException as error:
                raise OSError(f"no HTTP answer: {error!r}") from error
            finally:
                response.close()

    def _request(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, *, chunked: bool
    ) -> bytes:
        lines = [f"{method} {target} HTTP/1.1"]
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            lines.append(f"Host: {self.host}")
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append("Connection: close")
        payload = body or b""
        if chunked:
            lines.append("Transfer-Encoding: chunked")
            payload = (b"%x\r\n%s\r\n" % (len(payload), payload) if payload else b"") + b"0\r\n\r\n"
        elif body is not None and "content-length" not in names:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + payload
