"""The path below which a proxy shows the server to clients, such as `/flows` in `https://example.com/flows/api/v3/`."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.middleware.direct import each_request
from app.settings import path_prefix

Network = IPv4Network | IPv6Network

_HEADER = b"x-forwarded-prefix"


class Prefix:
    """Middleware that removes the prefix from the path of a request, and keeps it in `root_path` for URLs in responses.

    A proxy that sends `X-Forwarded-Prefix` has removed it. Without the header, a path without the prefix is served too.

    :param app: the application
    :param prefix: the prefix of requests without `X-Forwarded-Prefix`; empty for none
    :param trusted: the proxies whose `X-Forwarded-Prefix` counts
    """

    def __init__(self, app: ASGIApp, prefix: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._prefix = prefix
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the application (ASGI)."""
        if scope["type"] == "http":
            prefix, path = self._forwarded(scope), scope["path"]
            if prefix is None:
                prefix = self._prefix
                if path == prefix or path.startswith(f"{prefix}/"):
                    path = path[len(prefix) :] or "/"
            scope = {**scope, "path": path, "root_path": prefix}
        await self._app(each_request(scope), receive, send)

    def _forwarded(self, scope: Scope) -> str | None:
        """The prefix that a trusted proxy has removed; None if it names none."""
        sent = next((value for name, value in scope["headers"] if name == _HEADER), None)
        if sent is None or not self._trusts(scope):
            return None
        try:
            return path_prefix(sent.decode("latin-1").partition(",")[0])
        except ValueError:
            return None

    def _trusts(self, scope: Scope) -> bool:
        host, _ = scope.get("client") or ("", 0)
        try:
            address = ip_address(host)
        except ValueError:
            # A Unix domain socket.
            return False
        return any(address in network for network in self._trusted)
