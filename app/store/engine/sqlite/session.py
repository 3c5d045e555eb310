"""The session of SQLite: one per thread, kept open. Getting a connection from the pool for each read costs as much as the read."""

from collections.abc import Mapping
from typing import Any, Self

from app import errors
from app.store.engine.session import Query, Session
from app.store.engine.sqlite.connections import SQLiteConnections


class ThreadSession(Session):
    """The session of one thread."""

    __slots__ = ("_database",)

    def __init__(self, database: SQLiteConnections) -> None:
        super().__init__(database.take_out().driver_connection, database.begin)
        self._database = database

    def lock(self, query: Query, parameters: Mapping[str, Any]) -> None:
        """Do nothing: a transaction that writes locks the whole database."""

    def _start(self) -> None:
        with self._database.write_queue.entered():
            super()._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        known = self._database.translated(error)
        if isinstance(known, errors.Locked) and self._connection.in_transaction:
            # Earlier statements of this transaction must not run again.
            known = errors.Unavailable(str(known))
        if known is not error:
            raise known from error
