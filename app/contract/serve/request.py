"""A request, as far as a plan looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.contract.request.authentication import Access
from app.contract.response.responses import CONTINUE, Response
from app.execution import Statement


@dataclass(slots=True)
class Request:
    """One request.

    :param id: what the log and the response call it
    :param method: in capital letters
    :param path: as the contract has it
    :param path_values: values of the path's parameters; None if they can name no object
    :param query: the query string, encoded
    :param body: the whole body; None if it has not been read
    :param accept: the header, None if it is missing
    :param authorization: the header, None if it is missing
    :param content_type: the header, empty if it is missing
    :param scope: the request as the server gives it (ASGI)
    :param started: when it came, in seconds of the clock
    :param unread: the response as long as the body has not been read, or if it is not going to be
    :param held: bytes of the body that count as held by this process
    :param access: what the sender may do, once it is known
    :param defers: whether a statement that a handler returns is not run, but kept as `statement`
    """

    id: str
    method: str
    path: str
    path_values: Mapping[str, Any] | None
    query: bytes
    body: bytes | None
    accept: str | None
    authorization: str | None
    content_type: str
    scope: Mapping[str, Any]
    started: float
    unread: Response = CONTINUE
    held: int = 0
    access: Access | None = None
    defers: bool = False
    statement: Statement | None = None
