"""The requests to the flow page: read the form, send it to the executor, keep the response for the page."""

import hmac
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from starlette.types import Receive, Scope, Send

from app.contract.serve.asgi import Disconnected, NoRoom, Room, headers_of, read_body
from app.contract.serve.compiled_contract import ActiveContract
from app.executor.cookies import CSRF, SESSION, cookies_of
from app.pages.adapter import Adapter
from app.pages.interface.forms import Form, TooManyFields, response_types, token_of
from app.pages.interface.in_process import ApiResponse, Header, send_request

TURN = "flows.turn"
"""The key of a `Turn` in the WSGI environment."""

_OPERATION, _SLUG = "flows_executor_solve", "{flow_slug}"
_PATH = re.compile(r"/if/flow/([^/]+)/")
_METHODS = frozenset({"GET", "HEAD", "POST"})
_REFUSED = "The form was not accepted: its session has ended, or the browser keeps no cookies. Please try again."
# How many of the largest forms are read at a time.
_FORMS = 8
_TOO_LARGE = ApiResponse(413, [], b"")


class Turn(NamedTuple):
    """The response of the executor to one request to the page, and what the next form needs.

    :param response: the response
    :param token: the token of the next form
    :param typed: the values of the form that was posted
    :param notice: why that form was not accepted; empty if it was
    """

    response: ApiResponse
    token: str = ""
    typed: Mapping[str, str] = {}
    notice: str = ""


class _Body:
    """How much of a body has been read."""

    def __init__(self) -> None:
        self.held = 0


class FlowPage:
    """`/if/flow/<slug>/`: a client of the executor's API in process, with the session of the browser.

    :param adapter: renders the page
    :param active_contract: the contract with the operations of the executor
    :param limit: the largest form, in bytes
    """

    def __init__(self, adapter: Adapter, active_contract: ActiveContract, limit: int) -> None:
        self._adapter = adapter
        self._active_contract = active_contract
        self._limit = limit
        self._room = Room(_FORMS * limit)

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve a request (ASGI). :returns: whether it is one to the page"""
        path = _PATH.fullmatch(scope["path"])
        if path is None or scope["method"] not in _METHODS or (operation := self._operation()) is None:
            return False
        held = _Body()
        try:
            turn = await self._turn(path[1], *operation, scope, receive, held)
        except Disconnected:
            return True
        finally:
            self._room.give_back(held)
        await self._adapter.respond(scope, send, {TURN: turn})
        return True

    def _operation(self) -> tuple[str, dict[str, Any]] | None:
        """Path and operation of the executor; None if the contract has none."""
        contract = self._active_contract.contract
        found = (
            (contract.base_path + path, operation)
            for _, path, _, operation in contract.operations()
            if operation["operationId"] == _OPERATION
        )
        return next(found, None)

    async def _turn(
        self, slug: str, path: str, operation: dict[str, Any], scope: Scope, receive: Receive, held: _Body
    ) -> Turn:
        cookies = cookies_of(headers_of(scope["headers"])[2])
        session = cookies.get(SESSION, "")
        page_query = scope["query_string"].decode("latin-1")
        ask = partial(send_request, path=path.replace(_SLUG, slug), query=urlencode({"query": page_query}))
        if scope["method"] == "HEAD":
            # HEAD is safe (RFC 9110, section 9.2.1), and mail servers try links by it: it continues no session.
            without_session = [header for header in scope["headers"] if header[0] != b"cookie"]
            response = await ask({**scope, "headers": without_session}, method="GET", query="")
            return Turn(response._replace(headers=()))
        if scope["method"] != "POST":
            response = await ask(scope, method="GET")
            return Turn(response, _next_token(response, session))
        form = await self._form(scope, receive, held)
        if isinstance(form, ApiResponse):
            return Turn(form)
        if not session or not hmac.compare_digest(form.token.encode(), token_of(session).encode()):
            response = await ask(scope, method="GET")
            return Turn(response, _next_token(response, session), notice=_REFUSED)
        types = response_types(self._active_contract.contract, operation["requestBody"], form.component)
        headers: list[Header] = [
            (b"content-type", b"application/json"),
            (b"x-authentik-csrf", cookies.get(CSRF, "").encode()),
        ]
        response = await ask(scope, method="POST", headers=headers, body=orjson.dumps(form.response(types)))
        return Turn(response, _next_token(response, session), form.typed)

    async def _form(self, scope: Scope, receive: Receive, held: _Body) -> Form | ApiResponse:
        """The posted form, or the response if it is not read."""
        _, _, _, content_type, length, _, _ = headers_of(scope["headers"])
        try:
            body = await read_body(receive, length, self._limit, partial(self._room.take, held))
        except NoRoom:
            return ApiResponse(503, [], b"")
        if body is None:
            return _TOO_LARGE
        try:
            return await self._adapter.on_thread(Form, content_type, body)
        except TooManyFields:
            return _TOO_LARGE


def _next_token(response: ApiResponse, session: str) -> str:
    """The token of the form in a page. :param session: the cookie of the session before the response"""
    name = f"{SESSION}="
    for value in response.all(b"set-cookie"):
        if value.startswith(name):
            session = value.removeprefix(name).partition(";")[0]
    return token_of(session)
