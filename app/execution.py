"""How handlers run: marks that a handler carries, and the control flow of calls that must not block."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])
T = TypeVar("T")


class Statement(NamedTuple):
    """A reading statement that a handler returns instead of running it, so that it can be sent with those of other requests.

    :param query: of the store
    :param parameters: its parameters
    :param finish: makes the result of the handler from the first row, None if there is none; raises what a handler may
    """

    query: Any
    parameters: Mapping[str, Any]
    finish: Callable[[Any], Any]


class Unfinished(NamedTuple, Generic[T]):
    """The rest of a request that has to wait for a row.

    :param statement: has to be run first
    :param complete: makes the result from the first row
    """

    statement: Statement
    complete: Callable[[Any], T]


def single_statement(handler: Handler) -> Handler:
    """Mark a handler that normally runs one short statement, so that PostgreSQL may pipeline it with others."""
    handler.single_statement = True  # type: ignore[attr-defined]  # functions take attributes
    return handler


def long_running(handler: Handler) -> Handler:
    """Mark a handler that may take seconds: it runs on a thread beside the event loop, and only so many do at once."""
    handler.long_running = True  # type: ignore[attr-defined]  # functions take attributes
    return handler


class WouldBlock(BaseException):
    """A call has to wait for the database, or for a lock in it, where nothing may wait. Nothing was changed.

    It is control flow and no error: the call is repeated on a thread, or later.
    """
