"""Requests that accept no response that their operation has."""

from app.contract.compile.plan import Plan
from app.contract.request.negotiation import accepts, names_json
from app.contract.response import responses
from app.contract.response.responses import Response, detail
from app.contract.serve.problems import PROBLEM
from app.contract.serve.request import Request


def not_acceptable(plan: Plan | None, request: Request) -> Response | None:
    """The 406 for a request that accepts none of the media types; None if it accepts one."""
    if plan is not None and plan.challenges:
        return None
    if request.accept is not None and request.accept != "*/*" and not _admits(request.accept, plan):
        return detail(406, responses.NOT_ACCEPTABLE)
    if b"format=" in request.query and not names_json(request.query):
        return detail(404, responses.NOT_FOUND)
    return None


def _admits(accept: str, plan: Plan | None) -> bool:
    """Whether an `Accept` header admits the response of a plan: JSON, or any media type of its file.

    Clients that name problems choose the format of error responses only, and accept other responses as they are.
    """
    if plan is None or not plan.files:
        return accepts(accept, "application/json") or accepts(accept, PROBLEM)
    return any(accepts(accept, media_type) for media_type in (*plan.files, PROBLEM))
