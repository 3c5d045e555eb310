"""Which answer each error of the domain is given."""

from collections.abc import Sequence

from app import errors
from app.contract.compile.plan import Plan
from app.contract.response import answers
from app.contract.response.answers import Answer, detail, encode
from app.contract.validation.messages import Messages
from app.contract.validation.rules import Broken


def invalid(messages: Messages, broken: Sequence[Broken]) -> Answer:
    """A `ValidationError`: messages by member.

    :param broken: the rules that are broken, in any order
    """
    order: dict[str | int, int] = {name: index for index, name in enumerate(messages)}
    broken = sorted(broken, key=lambda one: order.get(one.member[0], -1) if one.member else -1)
    return Answer(400, encode(messages), (), ",".join(messages), broken=broken)


def refusal_of(error: errors.DomainError, plan: Plan) -> Answer:
    """The answer when a handler raises.

    :param plan: of the operation that it serves
    :raises DomainError: it is the error of no request, so the request is not answered for it
    """
    query = plan.query
    match error:
        case errors.PageNotFound() if query.page_not_found:
            return detail(404, query.page_not_found, broken=[Broken(query.page_rule)])
        case errors.NotFound():
            return detail(404, answers.NOT_FOUND)
        case errors.Invalid():
            place_of = plan.body.place_of if plan.body is not None else lambda _name: plan.pointer
            return invalid(dict(error.messages), [Broken(place_of(name), (name,)) for name in error.messages])
        case errors.NotAChoice():
            return invalid(
                query.not_a_choice(error.member, error.value), [query.broken_choice(error.member, error.value)]
            )
        case errors.Refused():
            return Answer(400, encode(error.result), (), "refused")
    raise error
