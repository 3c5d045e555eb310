"""Successful responses by the result of a handler."""

from collections.abc import Container
from typing import Any

from app.contract.compile.plan import Plan
from app.contract.response.download import write_file
from app.contract.response.responses import Response, StoredViolation
from app.exchanges import Reply

# The media type of a response without a body but with a status of its own (recorded: `basic.one_dummy`).
_NO_CONTENT = b"text/html; charset=utf-8"


def success(plan: Plan, result: Any, changed: Container[str] = ()) -> Response:
    """Write the successful response with the result of a handler.

    :param changed: the properties that the request has written
    """
    if plan.files:
        return write_file(result, plan.status, plan.files)
    if plan.writer is None:
        return Response(plan.status)
    if type(result) is Reply:
        return _reply(plan, result)
    found: list[StoredViolation] = []
    body = plan.writer.write(result, changed, found)
    return Response(plan.status, body, stored_violations=found) if found else Response(plan.status, body)


def _reply(plan: Plan, reply: Reply) -> Response:
    """Write the response of a handler that chooses its status and headers."""
    empty = Response(plan.status, media_type=_NO_CONTENT)
    response = empty if reply.content is None else success(plan, reply.content)
    return response._replace(status=reply.status or plan.status, headers=reply.headers)
