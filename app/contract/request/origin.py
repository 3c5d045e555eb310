"""Origin of the server as a client sees it."""

import re
from collections.abc import Mapping
from typing import Any

from app.caches import bounded_cache

# RFC 3986, section 3.2: a name, an IPv4 address or an IPv6 address in brackets, and a port.
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = frozenset({"http", "https"})


def origin_of(scope: Mapping[str, Any]) -> str:
    """Scheme and host by which a client reached this server, such as `https://flows.example:9443`.

    A proxy passes the host on, and sets the scheme in `X-Forwarded-Proto`, as in front of authentik.

    :param scope: the request (ASGI)
    """
    host = forwarded = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"x-forwarded-proto":
            forwarded = value
    scheme, named = _origin(scope.get("scheme", "http"), forwarded, host)
    return f"{scheme}://{named or _own_address(scope)}"


def url_of(scope: Mapping[str, Any]) -> str:
    """The URL of the server's root as a client sees it, without a slash at the end. :param scope: the request (ASGI)"""
    return origin_of(scope) + str(scope.get("root_path", ""))


@bounded_cache(256)
def _origin(scheme: str, forwarded: bytes, host: bytes) -> tuple[str, str]:
    """Scheme and host; no host if the one that was sent is none. :param forwarded: the schemes that proxies have set"""
    first = forwarded.decode("latin-1").partition(",")[0].strip().lower()
    sent = host.decode("latin-1")
    return first if first in _SCHEMES else scheme, sent if _HOST.fullmatch(sent) else ""


def _own_address(scope: Mapping[str, Any]) -> str:
    """The listening address of this server, for a request without a host."""
    host, port = scope.get("server") or ("", None)
    if port is None:
        # A Unix domain socket.
        return "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
