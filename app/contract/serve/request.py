"""A request, as plans read it."""

from asyncio import Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from app.contract.request.authentication import Access
from app.contract.request.origin import origin_of
from app.contract.response.responses import CONTINUE, Response
from app.exchanges import Interpreters, Postman, Services
from app.execution import Offload, Statement

T = TypeVar("T")


@dataclass
class Request:
    """One request. Attributes that are set later have defaults in the class, which saves time.

    :param id: its identifier in the log and the response
    :param method: in upper case
    :param path: the normalized path
    :param path_values: the converted path parameters; None if they can identify no object
    :param query: the query string, encoded
    :param body: the whole body; None if it has not been read
    :param accept: the header, None if it is missing
    :param authorization: the header, None if it is missing
    :param cookies: the header, None if it is missing
    :param content_type: the header, empty if it is missing
    :param scope: the ASGI scope
    :param started: time of arrival, in seconds of the clock
    :param version: the version of the contract that it is served
    :param above: what precedes `path` in the path of the scope: the version, if the path names one
    :param services: the services of handlers besides the store
    :param unread: the response while the body has not been read, or if it is never read
    :param held: bytes of the body that count towards `Room`
    :param access: the caller's access, once it is known
    :param defers: whether a handler's statement is kept as `statement` instead of being run
    :param computed: completed calls of functions that were offloaded; None if they may run here
    """

    id: str
    method: str
    path: str
    path_values: Mapping[str, Any] | None
    query: bytes
    body: bytes | None
    accept: str | None
    authorization: str | None
    cookies: str | None
    content_type: str
    scope: Mapping[str, Any]
    started: float
    version: str
    above: str
    services: Services
    unread: Response = field(default=CONTINUE, init=False)
    held: int = field(default=0, init=False)
    access: Access | None = field(default=None, init=False)
    defers: bool = field(default=False, init=False)
    statement: Statement | None = field(default=None, init=False)
    computed: dict[str, Future[Any]] | None = field(default=None, init=False)

    def header(self, name: str) -> str:
        """A header, empty if it is missing; of repeated ones the last. :param name: in lower case"""
        sought = name.encode()
        return next((value.decode("latin-1") for key, value in reversed(self.scope["headers"]) if key == sought), "")

    @property
    def interpreters(self) -> Interpreters | None:
        """Evaluate expressions; None if they are off."""
        return self.services.interpreters

    @property
    def postman(self) -> Postman | None:
        """Sends e-mails; None where none are written."""
        return self.services.postman

    @property
    def origin(self) -> str:
        """Scheme and host of the server as seen by the client."""
        return origin_of(self.scope)

    @property
    def address(self) -> str:
        """The address of the client."""
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def root(self) -> str:
        """The path of the server as seen by the client, encoded."""
        return quote(str(self.scope.get("root_path", "")))

    @property
    def seen_path(self) -> str:
        """The path as seen by the client, encoded."""
        return self.root + quote(self.above + self.path)

    def compute(self, key: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call a slow function. :returns: its result :raises Offload: it has to run elsewhere first"""
        if self.computed is None:
            return function(*arguments)
        if key not in self.computed:
            raise Offload(key, partial(function, *arguments))
        result: T = self.computed[key].result()
        return result
