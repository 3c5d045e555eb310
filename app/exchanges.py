"""Requests and responses of handlers that depend on HTTP, beyond arguments and a result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.domain import RequestContext

T = TypeVar("T")
Header = tuple[bytes, bytes]

FLOW_TOKEN = "flow_token"  # noqa: S105  # a name
"""The parameter with the token of a link in an e-mail, which restores a plan."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response with a status or headers of its own.

    :param content: the content, as the contract describes it; None for no body
    :param status: the status code; 0 for that of success
    :param headers: additional headers
    """

    content: Any
    status: int = 0
    headers: tuple[Header, ...] = ()


class Unauthenticated(Exception):
    """The credentials of a request are missing or invalid. The message is that of a 403.

    :param headers: headers of the response
    """

    def __init__(self, message: str, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.headers = headers


class SessionExpired(Exception):
    """The session that a cookie names has ended. :param headers: headers of the response"""

    def __init__(self, headers: tuple[Header, ...]) -> None:
        super().__init__()
        self.headers = headers


class Interpreters(Protocol):
    """Processes that evaluate expressions."""

    def run(self, task: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Evaluate an expression.

        :param task: the expression and its data, as JSON
        :param seconds: the time that is left
        :returns: the outcome, as JSON
        """


class Postman(Protocol):
    """Sends e-mails, or keeps them."""

    @property
    def url(self) -> str:
        """The URL by which users reach the server; empty for that of each request."""

    def state_of(self, *, use_global_settings: bool) -> str:
        """The state of a new e-mail. :param use_global_settings: whether it is sent by the mail server of the settings"""

    def wake(self) -> None:
        """Send the e-mails that are stored from now on."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of handlers besides the store.

    :param interpreters: evaluate expressions; None if they are off
    :param postman: sends e-mails; None where none are written
    """

    interpreters: Interpreters | None = None
    postman: Postman | None = None


class Credentials(Protocol):
    """The credentials in a request."""

    @property
    def method(self) -> str:
        """The method, in upper case."""

    @property
    def authorization(self) -> str | None:
        """The header, None if it is missing."""

    @property
    def cookies(self) -> str | None:
        """The header, None if it is missing."""

    def header(self, name: str) -> str:
        """A header, empty if it is missing. :param name: in lower case"""

    @property
    def origin(self) -> str:
        """Scheme and host of the server as seen by the client."""

    @property
    def address(self) -> str:
        """The address of the client."""


class HttpRequest(Credentials, Protocol):
    """A request with its credentials, which can call slow functions."""

    @property
    def interpreters(self) -> Interpreters | None:
        """Evaluate expressions; None if they are off."""

    def compute(self, key: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a slow function without blocking other requests. :param key: a name for the result :returns: the result"""


class Answers(Protocol):
    """A body with alternatives, not yet read."""

    def read(self, alternative: str) -> Mapping[str, Any]:
        """Validate the body by one alternative of its schema.

        :param alternative: the value of the discriminator, regardless of the value in the body
        :returns: the properties
        :raises Unreadable: the media type or the syntax of the body is wrong
        :raises Invalid: it violates the schema; each message has its text and its code
        """


@dataclass(frozen=True, slots=True)
class Exchange:
    """The request of a handler that reports all failures itself.

    :param id: the identifier of the request
    :param root: the path of the server as seen by the client, encoded, without a slash at the end
    :param path: the path as seen by the client, encoded
    :param query: the query, encoded
    :param acceptable: whether the client accepts JSON
    :param credentials: the credentials, not yet verified
    :param authenticate: the context of the caller, without a user if there are no credentials; raises `Unauthenticated`
    :param compute: calls a function that takes long, without blocking other requests; its first argument is a name for the result
    :param postman: sends e-mails; None where none are written
    """

    id: str
    root: str
    path: str
    query: str
    acceptable: bool
    credentials: HttpRequest
    authenticate: Callable[[], RequestContext]
    compute: Callable[..., Any]
    postman: Postman | None
