"""The sender of a request to a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request

from app.contract.request.origin import origin_of
from app.exchanges import Interpreters


@dataclass(frozen=True)
class Sender:
    """The credentials of a request; see `HttpRequest`.

    :param interpreters: evaluate expressions; None if they are off
    """

    request: Request
    interpreters: Interpreters | None = None

    @property
    def method(self) -> str:
        """The method."""
        return self.request.method

    @property
    def authorization(self) -> str | None:
        """The header, None if it is missing."""
        return self.request.headers.get("Authorization")

    @property
    def cookies(self) -> str | None:
        """The header, None if it is missing."""
        return self.request.headers.get("Cookie")

    @property
    def origin(self) -> str:
        """Scheme and host of the server as seen by the client."""
        return origin_of(self.request.environ["asgi.scope"])

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.request.remote_addr or ""

    def header(self, name: str) -> str:
        """A header, empty if it is missing."""
        return self.request.headers.get(name, "")

    @staticmethod
    def compute(_key: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a slow function. :returns: its result. A page has a thread of its own."""
        return function(*arguments)
