"""Units of work: the writes of a request on a thread are one transaction, which ends with the request."""

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.store.engine.session import Session
from app.store.engine.thread_state import ThreadState


class UnitOfWork:
    """A unit of work: transactions within it become one, committed at its end; earlier reads are not part of it.

    :param thread: the state of the thread
    :param joined: creates the session of the unit from the session that has begun the transaction
    """

    __slots__ = ("_joined", "_kept", "_thread", "_transaction")

    def __init__(self, thread: ThreadState, joined: "Callable[[UnitOfWork, Session], Session]") -> None:
        self._thread = thread
        self._joined = joined
        self._kept: Session | None = None
        self._transaction: contextlib.AbstractContextManager[Session] | None = None

    @property
    def begun(self) -> bool:
        """Whether its transaction has begun."""
        return self._transaction is not None

    def __enter__(self) -> Self:
        self._thread.unit = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.unit = None
        self.end(kind, error, trace)

    def begin(self, transaction: contextlib.AbstractContextManager[Session]) -> None:
        """Begin the transaction. :param transaction: entered now, and exited at the end"""
        session = transaction.__enter__()
        self._transaction, self._kept = transaction, self._thread.kept
        self._thread.kept = self._joined(self, session)

    def end(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit the transaction, or roll it back. A new one may begin."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._thread.kept = self._kept
            transaction.__exit__(kind, error, trace)


class JoinedSession(Session):
    """The session of a unit of work: its statements belong to the unit's transaction.

    :param session: the session of this transaction
    """

    __slots__ = ("_unit",)

    def __init__(self, unit: UnitOfWork, session: Session) -> None:
        super().__init__(session._connection, session._begin)
        self._unit = unit

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
