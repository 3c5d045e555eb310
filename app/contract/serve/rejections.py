"""Error responses, and their validation."""

from collections.abc import Sequence

import structlog

from app import errors
from app.contract.compile.plan import PathPlan, Plan
from app.contract.document.contract import Pointer
from app.contract.errors import ResponseValidationError
from app.contract.request.authentication import PERMISSION_DENIED
from app.contract.response import responses
from app.contract.response.responses import Response, decode, detail, encode
from app.contract.serve.request import Request
from app.contract.validation.messages import Messages
from app.contract.validation.rules import ViolatedRule

log = structlog.get_logger("flows.contract")


def invalid(messages: Messages, violated: Sequence[ViolatedRule]) -> Response:
    """A `ValidationError`: messages by property.

    :param violated: the violated rules, in any order
    """
    order: dict[str | int, int] = {name: index for index, name in enumerate(messages)}
    violated = sorted(violated, key=lambda one: order.get(one.property_name[0], -1) if one.property_name else -1)
    return Response(400, encode(messages), (), ",".join(messages), violated=violated)


def rejection_of(error: errors.DomainError, plan: Plan) -> Response:
    """The response to a handler's exception.

    :param plan: the plan of its operation
    :raises DomainError: the error is not the fault of a request
    """
    query = plan.query
    match error:
        case errors.PageNotFound() if query.page_not_found:
            return detail(404, query.page_not_found, violated=[ViolatedRule(query.page_rule)])
        case errors.NotFound():
            return detail(404, responses.NOT_FOUND)
        case errors.Forbidden():
            return detail(403, PERMISSION_DENIED)
        case errors.Invalid():
            place_of = plan.body.place_of if plan.body is not None else lambda _name: plan.pointer
            return invalid(dict(error.messages), [ViolatedRule(place_of(name), (name,)) for name in error.messages])
        case errors.InvalidChoice():
            return invalid(
                query.not_a_choice(error.property_name, error.value),
                [query.violated_choice(error.property_name, error.value)],
            )
        case errors.Rejected():
            return Response(400, encode(error.result), (), "refused")
    raise error


def denied(rule: Pointer) -> Response:
    """The response to a caller without a permission. :param rule: the pointer of the requirement"""
    return detail(403, PERMISSION_DENIED, violated=[ViolatedRule(rule)])


def no_such_object(path: PathPlan, request: Request) -> Response:
    """The response to a path whose values can identify no object."""
    return detail(404, responses.NOT_FOUND, violated=path.reader.violated(request.path))


def unavailable(error: errors.Unavailable, request: Request) -> Response:
    """The response if the database is unavailable; the log has the reason."""
    log.error("database unavailable", id=request.id, error=str(error))
    return detail(503, responses.UNAVAILABLE, ((b"retry-after", responses.RETRY_AFTER),))


def too_large(limit: int) -> Response:
    """The response to a request with a body that is too large. :param limit: the limit, in bytes"""
    return detail(413, f"The request body is larger than {limit} bytes.")


def check_rejection(plan: Plan, response: Response) -> None:
    """Validate an error response.

    :raises ResponseValidationError: the operation does not document it, or documents another body for it
    """
    if response.status not in plan.validators:
        raise ResponseValidationError(f"The response {response.status} is not documented.")
    validator = plan.validators[response.status]
    if validator is not None and not validator.is_valid(decode(response.body)):
        raise ResponseValidationError(f"The response {response.status} is documented with another body.")
