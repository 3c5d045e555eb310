"""Execution of handlers: marks on handlers, and the control flow of calls that must not block."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])
T = TypeVar("T")


class Statement(NamedTuple):
    """A statement that reads, returned by a handler instead of run, so that it can be sent with those of other requests.

    :param query: of the store
    :param parameters: its parameters
    :param finish: makes the result of the handler from the first row, None if there is none; raises the errors of a handler
    """

    query: Any
    parameters: Mapping[str, Any]
    finish: Callable[[Any], Any]


class Unfinished(NamedTuple, Generic[T]):
    """The rest of a request that has to wait for a row.

    :param statement: to run first
    :param complete: makes the result from the first row
    """

    statement: Statement
    complete: Callable[[Any], T]


def single_statement(handler: Handler) -> Handler:
    """Mark a handler that normally runs one short statement, so that PostgreSQL may pipeline it with others."""
    handler.single_statement = True  # type: ignore[attr-defined]  # functions take attributes
    return handler


def long_running(handler: Handler) -> Handler:
    """Mark a handler that may take seconds: it runs on a thread beside the event loop, with limited concurrency."""
    handler.long_running = True  # type: ignore[attr-defined]  # functions take attributes
    return handler


def of_later_versions(handler: Handler) -> Handler:
    """Mark a handler whose operation only later versions of the contract have."""
    handler.of_later_versions = True  # type: ignore[attr-defined]  # functions take attributes
    return handler


class Offload(BaseException):
    """A function takes too long for the event loop. Nothing was changed.

    It is control flow, not an error: the request is retried with the result of the function, which ran on a thread.

    :param key: the name of the result
    :param function: without arguments
    """

    def __init__(self, key: str, function: Callable[[], Any]) -> None:
        super().__init__(key)
        self.key = key
        self.function = function


class WouldBlock(BaseException):
    """A call has to wait for the database or a lock in a place where waiting is not allowed. Nothing was changed.

    It is control flow, not an error: the call is repeated on a thread, or later.
    """
