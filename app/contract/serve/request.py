"""A request, as plans read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.contract.request.authentication import Access
from app.contract.response.responses import CONTINUE, Response
from app.execution import Statement


@dataclass(slots=True)
class Request:
    """One request.

    :param id: its identifier in the log and the response
    :param method: in upper case
    :param path: the normalized path
    :param path_values: the converted path parameters; None if they can identify no object
    :param query: the query string, encoded
    :param body: the whole body; None if it has not been read
    :param accept: the header, None if it is missing
    :param authorization: the header, None if it is missing
    :param content_type: the header, empty if it is missing
    :param scope: the ASGI scope
    :param started: time of arrival, in seconds of the clock
    :param unread: the response while the body has not been read, or if it is never read
    :param held: bytes of the body that count towards `Room`
    :param access: the caller's access, once it is known
    :param defers: whether a handler's statement is kept as `statement` instead of being run
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
