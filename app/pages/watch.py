"""Queries of the store for health checks and metrics, without the threads of pages."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from app import errors
from app.store import Store

T = TypeVar("T")

KNOWN = "flows.known"
"""The key of the store's result in the WSGI environment; the result is None if the store does not respond."""

# The timeout of a query on PostgreSQL in seconds.
_PATIENCE = 5.0


class StoreState(NamedTuple):
    """State of a store.

    :param revision: the revision of its tables, None if it has none
    :param size: in bytes
    """

    revision: str | None
    size: int


def state_of(store: Store) -> StoreState:
    """Query the state of a store. :raises Unavailable: the database does not respond"""
    return StoreState(store.revision(), store.size())


class Watch:
    """A runner of small queries: on the event loop's thread, or on its own thread for a remote database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flows-watch")

    async def ask(self, question: Callable[[], T]) -> T | None:
        """Run a query.

        :param question: a small query that only reads
        :returns: its result; None if the store does not respond, or not in time
        """
        try:
            if not self._store.database.is_remote:
                return await self._when_free(question)
            loop = asyncio.get_running_loop()
            return await asyncio.wait_for(loop.run_in_executor(self._thread, question), _PATIENCE)
        except (errors.Unavailable, TimeoutError):
            return None

    async def _when_free(self, question: Callable[[], T]) -> T:
        began = asyncio.get_running_loop().time()
        while True:
            try:
                return question()
            except errors.Locked as error:
                await self._store.database.scheduling().wait_for_lock(error, began)
