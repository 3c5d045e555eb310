"""What a refused request is told of the contract: the line that it goes against, and the whole of it as a located problem.

Nothing here is asked for a request that is served.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from app.contract.compile.plan import PathPlan, Plan
from app.contract.document.source import Pointer, Source
from app.contract.request.negotiation import names
from app.contract.response.answers import Answer, decode, encode
from app.contract.validation.rules import MISSING, Broken
from app.contract.validation.wording import NON_FIELD_ERRORS

PROBLEM = "application/problem+json"
"""The media type of RFC 9457."""

_SHOWN_LENGTH = 80
# What messages stand under that are about no member.
_NO_MEMBERS = frozenset({"detail", NON_FIELD_ERRORS})


class Problems:
    """Says where the rules of a contract stand that requests are refused by.

    :param source: the contract
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def located(self, answer: Answer, path: PathPlan, plan: Plan | None, accept: str | None) -> Answer:
        """A refusal with the line of the contract, and as a problem for a client that names these in `Accept`."""
        broken = answer.broken or [Broken(documented(answer.status, path, plan))]
        headers = answer.headers
        if answer.status < 500:
            headers = (*headers, (b"x-contract-rule", self._place(broken[0]).encode()))
        if accept is None or not names(accept, PROBLEM):
            return answer._replace(headers=headers)
        return answer._replace(
            headers=(*headers, (b"vary", b"Accept")),
            media_type=PROBLEM.encode(),
            body=encode(self._problem(answer, broken)),
        )

    def _problem(self, answer: Answer, broken: Sequence[Broken]) -> dict[str, Any]:
        messages = decode(answer.body) if answer.body else {}
        sentences = list(_sentences(messages, ()))
        return {
            "type": "about:blank",
            "title": HTTPStatus(answer.status).phrase,
            "status": answer.status,
            "detail": " ".join(f"{member}: {sentence}" if member else sentence for member, sentence in sentences),
            "errors": [self._error(one) for one in broken],
            "answer": messages,
        }

    def _error(self, broken: Broken) -> dict[str, Any]:
        return {
            **({"member": "/".join(map(str, broken.member))} if broken.member else {}),
            **({"value": _shortened(broken.value)} if broken.value is not MISSING else {}),
            "rule": broken.keyword,
            "contract": self._place(broken),
        }

    def _place(self, broken: Broken) -> str:
        return self._source.public(str(self._source.locate(broken.rule)))


def documented(status: int, path: PathPlan, plan: Plan | None) -> Pointer:
    """Where the contract has a refusal that goes against no rule in particular."""
    if plan is None or status == HTTPStatus.METHOD_NOT_ALLOWED:
        return path.pointer
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return (*plan.pointer, "responses", str(plan.status), "content")
    return (*plan.pointer, "responses", str(status))


def _sentences(messages: Any, member: Pointer) -> Iterator[tuple[str, str]]:
    """Each sentence of a refusal, with the member that it is about."""
    if isinstance(messages, str):
        yield "/".join(map(str, member)), messages
    elif isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _sentences(inner, member if name in _NO_MEMBERS else (*member, name))
    elif isinstance(messages, list):
        for index, inner in enumerate(messages):
            yield from _sentences(inner, member if isinstance(inner, str) else (*member, index))


def _shortened(value: Any) -> str:
    """A value as JSON that fits on a line."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        # A number of many digits, or what is nested too deeply.
        text = str(value) if isinstance(value, int) else type(value).__name__
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
