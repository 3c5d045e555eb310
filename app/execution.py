"""How handlers run: marks that a handler carries, and the control flow of calls that must not block."""

from collections.abc import Callable
from typing import Any, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])


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
