"""Origin of the server as a client sees it."""

import re
from collections.abc import Mapping
from typing import Any

# RFC 3986, section 3.2: a name, an IPv4 address or an IPv6 address in brackets, and a port.
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = frozenset({"http", "https"})


def origin_of(scope: Mapping[str, Any]) -> str:
    """Scheme and host by which a client reached this server, such as `https://flows.example:9443`.

    A proxy passes the host on, and sets the scheme in `X-Forwarded-Proto`, as in front of authentik.

    :param scope: the request (ASGI)
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    forwarded = headers.get(b"x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = forwarded if forwarded in _SCHEMES else scope.get("scheme", "http")
    host = headers.get(b"host", "")
    return f"{scheme}://{host if _HOST.fullmatch(host) else _own_address(scope)}"


def url_of(scope: Mapping[str, Any]) -> str:
    """The URL of the server's root as a client sees it, without a slash at the end. :param scope: the request (ASGI)"""
    return origin_of(scope) + str(scope.get("root_path", ""))


def _own_address(scope: Mapping[str, Any]) -> str:
    """The listening address of this server, for a request without a host."""
    host, port = scope.get("server") or ("", None)
    if port is None:
        # A Unix domain socket.
        return "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
