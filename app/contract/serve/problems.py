"""Location of violated rules in error responses: the line as a header, and the rest as a problem.

Nothing here runs for a successful request.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from app.contract.compile.plan import PathPlan, Plan
from app.contract.document.contract import Contract, Pointer
from app.contract.request.negotiation import names
from app.contract.response.responses import Response, decode, encode
from app.contract.validation.rules import MISSING, ViolatedRule
from app.contract.validation.wording import NON_FIELD_ERRORS

PROBLEM = "application/problem+json"
"""The media type of RFC 9457."""

_SHOWN_LENGTH = 80
# The key of messages that concern no property.
_NO_PROPERTIES = frozenset({"detail", NON_FIELD_ERRORS})


class Problems:
    """Locator of the rules behind error responses.

    :param contract: the contract
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def located(self, response: Response, path: PathPlan, plan: Plan | None, accept: str | None) -> Response:
        """Add the line of the contract to an error response, and convert it to a problem if `Accept` names these."""
        violated = response.violated or [ViolatedRule(documented(response.status, path, plan))]
        headers = response.headers
        if response.status < 500:
            headers = (*headers, (b"x-contract-rule", self._place(violated[0]).encode()))
        if accept is None or not names(accept, PROBLEM):
            return response._replace(headers=headers)
        return response._replace(
            headers=(*headers, (b"vary", b"Accept")),
            media_type=PROBLEM.encode(),
            body=encode(self._problem(response, violated)),
        )

    def _problem(self, response: Response, violated: Sequence[ViolatedRule]) -> dict[str, Any]:
        messages = decode(response.body) if response.body else {}
        texts = list(_messages(messages, ()))
        return {
            "type": "about:blank",
            "title": HTTPStatus(response.status).phrase,
            "status": response.status,
            "detail": " ".join(
                f"{property_name}: {message}" if property_name else message for property_name, message in texts
            ),
            "errors": [self._error(one) for one in violated],
            "answer": messages,
        }

    def _error(self, violated: ViolatedRule) -> dict[str, Any]:
        return {
            **({"member": "/".join(map(str, violated.property_name))} if violated.property_name else {}),
            **({"value": _shortened(violated.value)} if violated.value is not MISSING else {}),
            "rule": violated.keyword,
            "contract": self._place(violated),
        }

    def _place(self, violated: ViolatedRule) -> str:
        return self._contract.public(str(self._contract.locate(violated.rule)))


def documented(status: int, path: PathPlan, plan: Plan | None) -> Pointer:
    """The pointer of a documented error response without a particular rule."""
    if plan is None or status == HTTPStatus.METHOD_NOT_ALLOWED:
        return path.pointer
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return (*plan.pointer, "responses", str(plan.status), "content")
    return (*plan.pointer, "responses", str(status))


def _messages(messages: Any, property_name: Pointer) -> Iterator[tuple[str, str]]:
    """Iterate over the messages of an error response, each with its property."""
    if isinstance(messages, str):
        yield "/".join(map(str, property_name)), messages
    elif isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _messages(inner, property_name if name in _NO_PROPERTIES else (*property_name, name))
    elif isinstance(messages, list):
        for index, inner in enumerate(messages):
            yield from _messages(inner, property_name if isinstance(inner, str) else (*property_name, index))


def _shortened(value: Any) -> str:
    """A value as truncated JSON."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        # A number of many digits, or deep nesting.
        text = str(value) if isinstance(value, int) else type(value).__name__
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
