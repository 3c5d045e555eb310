"""How a server runs requests on a database. The defaults run one request after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from app import errors
from app.store.engine.locking import pause


async def not_run(*_: Any) -> None:
    """Run nothing."""


class Scheduling(NamedTuple):
    """How a server runs requests.

    :param workers: the number of threads, and what each calls first; None for the event loop's own thread
    :param pending: the commit that responses of this iteration of the event loop wait for, None if there is none; it
        raises `Unavailable` if it fails, `Locked` if nothing was changed and the requests can be retried
    :param wait_for_lock: waits until a request that found the database locked can be retried, given the error and when it
        began, in seconds of the event loop's clock; raises `Unavailable` if the wait has reached its limit
    :param pipelined: calls a function with arguments on the event loop's thread; its statements are sent with those of
        others. It returns the result once that is durable, None if the function can't run without blocking; it raises
        `SerializationFailure` if nothing was changed, `Unavailable` if this is unknown
    """

    workers: tuple[int, Callable[[], None]] | None = None
    pending: Callable[[], asyncio.Future[None] | None] = lambda: None
    wait_for_lock: Callable[[errors.Locked, float], Awaitable[None]] = pause
    pipelined: Callable[..., Awaitable[Any]] = not_run
