"""Units of work: what a request writes on a thread of its own is one transaction, which ends with the request."""

import contextlib
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.store.networked import NetworkedSession
from app.store.session import Session

if TYPE_CHECKING:
    from app.store.database import Database


class UnitOfWork:
    """A unit of work. Transactions begun within it are one, committed at its end; earlier reads are not part of it.

    :param database: the database
    """

    __slots__ = ("_database", "_transaction", "session")

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._transaction: contextlib.AbstractContextManager[Session] | None = None
        self.session: JoinedSession | None = None

    def __enter__(self) -> Self:
        self._database.unit = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.unit = None
        self.end(kind, error, trace)

    def begin(self, transaction: contextlib.AbstractContextManager[Session]) -> None:
        """Begin the transaction. :param transaction: entered now, and exited at the end"""
        session = transaction.__enter__()
        self._transaction, self.session = transaction, JoinedSession(self, session)

    def end(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit the transaction, or roll it back. Another one may begin."""
        transaction, self._transaction, self.session = self._transaction, None, None
        if transaction is not None:
            transaction.__exit__(kind, error, trace)


class JoinedSession(NetworkedSession):
    """The session of a unit of work: its statements belong to the unit's transaction.

    :param session: the session of this transaction
    """

    __slots__ = ("_unit",)

    def __init__(self, unit: UnitOfWork, session: Session) -> None:
        super().__init__(session._connection, session._begin)
        self._unit = unit

    def expect_one(self) -> None:
        """Do nothing: the driver commits no statement within the unit."""

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """The transaction of the unit. An error ends it."""
        return contextlib.nullcontext()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._unit.end(kind, error, trace)
