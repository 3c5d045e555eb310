"""A database with pipelining: requests of one small statement run on the event loop's thread, and their statements are sent
together, in one round trip and one transaction.

With 16 connections it gives 1.3 times as many creates and 1.5 times as many patches per second
(docs/decisions/pipelining.md). To turn it off, choose `PostgreSQLDatabase` in `factory`.
"""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from app import determinism
from app.store.engine.address import Address
from app.store.engine.postgresql.database import PostgreSQLDatabase
from app.store.engine.postgresql.pipeline import Pipeline
from app.store.engine.scheduling import Scheduling, not_run

T = TypeVar("T")


class PipelinedDatabase(PostgreSQLDatabase):
    """A PostgreSQL database with a pipeline for small statements.

    :param pool_size: the maximum number of connections of this process, including the pipeline
    """

    def __init__(self, address: Address, pool_size: int) -> None:
        super().__init__(address, pool_size)
        self.pipeline = Pipeline(self)

    def scheduling(self) -> Scheduling:
        """See `Database`."""
        return Scheduling(workers=self.workers(), pipelined=self.pipelined)

    def pipelined(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T | None]:
        """See `Scheduling`."""
        # A repeated call may consume random bytes, at a time that depends on chance.
        if determinism.is_fixed():
            return not_run()
        return self.pipeline.run(partial(self._without_waiting, function, *arguments))

    @property
    def lock_timeout(self) -> int:
        """The lock timeout of this thread in milliseconds: none within a call of `pipelined`."""
        return 0 if self._is_pipelined else super().lock_timeout

    def unit_of_work(self) -> contextlib.AbstractContextManager[Any]:
        """See `Database`."""
        return self.pipeline.session.unit if self._is_pipelined else super().unit_of_work()

    def close(self) -> None:
        """Close every connection. The next use opens new ones."""
        self.pipeline.close()
        super().close()

    @property
    def _is_pipelined(self) -> bool:
        """Whether this code runs within a call of `pipelined`."""
        return self._thread.kept is self.pipeline.session

    def _without_waiting(self, function: Callable[..., T], *arguments: Any) -> T:
        self._thread.kept = self.pipeline.session
        try:
            return function(*arguments)
        finally:
            self._thread.kept = None

    def _others(self) -> int:
        # One more connection is for long statements.
        return 2 + self.pipeline.connections
