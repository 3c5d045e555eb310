"""Which answer each error of the domain is given."""

from app import errors
from app.contract import answers
from app.contract.answers import Answer, detail, encode
from app.contract.messages import Messages
from app.contract.parameters import QueryReader
from app.contract.security import PERMISSION_DENIED
from app.metrics import OTHER


def invalid(messages: Messages, rule: str) -> Answer:
    """A `ValidationError`: messages by member.

    :param rule: the keyword that is broken, the first of several
    """
    return Answer(400, encode(messages), (), ",".join(messages), rule=rule)


def disagreeing(error: errors.NotUnique | errors.Missing) -> str:
    """The keyword that is broken when the store does not agree."""
    if isinstance(error, errors.Missing):
        return "x-references"
    return "x-unique" if isinstance(error.member, str) else "x-unique-together"


def without_permission() -> Answer:
    """The answer to those who may not do what they ask for."""
    return detail(403, PERMISSION_DENIED)._replace(rule="x-required-permissions")


def refusal_of(error: errors.DomainError, query: QueryReader) -> Answer:
    """The answer when a handler raises.

    :param query: what the operation reads from the query string
    :raises DomainError: it is the error of no request, so the request is not answered for it
    """
    match error:
        case errors.PageNotFound():
            return detail(404, query.page_not_found or answers.NOT_FOUND)
        case errors.NotFound():
            return detail(404, answers.NOT_FOUND)
        case errors.Invalid():
            return invalid(dict(error.messages), OTHER)
        case errors.NotAChoice():
            return invalid(query.not_a_choice(error.member, error.value), "x-references")
        case errors.Refused():
            return Answer(400, encode(error.result), (), "refused", rule=OTHER)
    raise error
