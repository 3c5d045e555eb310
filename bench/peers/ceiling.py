"""The server alone: a bare ASGI application that answers the same bytes whatever is asked, of the size of a right answer."""

import json
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

from bench import data
from bench.operations import BASE, CREATE, LIST, PATCH, RETRIEVE, Operation
from bench.peers import contract

Message = dict[str, Any]
Application = Callable[
    [Mapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

# As many as the benchmark's database has.
_COUNT = 100
_PAGE_SIZE = 20


def create_app(_database_url: str) -> Application:
    """The ASGI application; it uses no database."""
    flows = [_shape(number, LIST) for number in range(_PAGE_SIZE)]
    page = {"pagination": contract.pagination(_COUNT, 1, _PAGE_SIZE), "results": flows}
    created = _shape(0, CREATE, stages="", policies="")
    changed = _shape(42, PATCH)
    responses = {
        ("GET", True): _response(200, page),
        ("GET", False): _response(200, _shape(42, RETRIEVE)),
        ("POST", True): _response(201, created),
        ("PATCH", False): _response(200, changed),
    }

    async def app(
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        if scope["method"] in ("POST", "PATCH"):
            while (await receive()).get("more_body", False):
                pass
        for message in responses[scope["method"], scope["path"] == BASE]:
            await send(message)

    return app


def _shape(number: int, operation: Operation, **others: str) -> dict[str, Any]:
    """The flow of a number, with what an operation makes of it, and with other columns than it has."""
    sent = json.loads(operation.content(0) or "{}")
    return contract.represent(SimpleNamespace(**(data.flow(number) | sent | others)))


def _response(status: int, value: Any) -> tuple[Message, Message]:
    body = json.dumps(value, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
