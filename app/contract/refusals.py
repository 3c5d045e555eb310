"""Which answer each error of the domain is given."""

from app import errors
from app.contract import answers
from app.contract.answers import Answer, detail, encode
from app.contract.messages import Messages
from app.contract.parameters import QueryReader


def invalid(messages: Messages) -> Answer:
    """A `ValidationError`: messages by member."""
    return Answer(400, encode(messages), (), ",".join(messages))


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
            return invalid(dict(error.messages))
        case errors.NotAChoice():
            return invalid(query.not_a_choice(error.member, error.value))
        case errors.Refused():
            return Answer(400, encode(error.result), (), "refused")
    raise error
