"""Error responses by domain error."""

from collections.abc import Sequence

from app import errors
from app.contract.compile.plan import Plan
from app.contract.request.authentication import PERMISSION_DENIED
from app.contract.response import responses
from app.contract.response.responses import Response, detail, encode
from app.contract.validation.messages import Messages
from app.contract.validation.rules import ViolatedRule


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
