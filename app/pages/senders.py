"""The sender of a request to a page."""

from dataclasses import dataclass

from flask import Request

from app.contract.request.origin import origin_of


@dataclass(frozen=True)
class Sender:
    """The credentials of a request; see `Credentials`."""

    request: Request

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


def sender(request: Request) -> Sender:
    """The sender of a request."""
    return Sender(request)
