"""Errors of PostgreSQL's driver."""

from collections.abc import Mapping
from typing import Any

import psycopg

from app import errors
from app.store.engine.driver_errors import DriverErrors
from app.store.schema.tables import metadata

_IN_CONFLICT = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    # The statement was prepared in another session.
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)

_ADVICE: Mapping[type[Exception], str] = {
    psycopg.errors.InsufficientPrivilege: "`flows doctor` says what the role needs.",
    psycopg.errors.UndefinedTable: "Run `flows db upgrade`.",
    psycopg.errors.UntranslatableCharacter: "A database with ENCODING 'UTF8' stores every text.",
}


class PostgreSQLErrors(DriverErrors):
    """The errors of psycopg."""

    integrity = psycopg.errors.UniqueViolation
    unavailable = (psycopg.OperationalError, psycopg.InternalError)

    @property
    def known(self) -> tuple[type[Exception], ...]:
        """See `DriverErrors`."""
        return (*super().known, *_ADVICE)

    def translated(self, error: BaseException) -> BaseException:
        """See `DriverErrors`."""
        if isinstance(error, _IN_CONFLICT):
            return errors.SerializationFailure(str(error))
        for kind, advice in _ADVICE.items():
            if isinstance(error, kind):
                return errors.Unfit(f"{_message(error)} {advice}")
        return super().translated(error)

    def taken_columns(self, error: Exception) -> tuple[str, ...]:
        """The columns of the violated constraint or unique index."""
        diagnostic = error.diag  # type: ignore[attr-defined]  # psycopg's error
        table = metadata.tables[diagnostic.table_name]
        known: tuple[Any, ...] = (*table.constraints, *table.indexes)
        (unique,) = (one for one in known if one.name == diagnostic.constraint_name)
        return tuple(column.name for column in unique.columns)


def is_misled(error: BaseException) -> bool:
    """Whether an error comes from a primary that became a standby: it keeps its connections, but can't write."""
    return isinstance(error.__cause__ or error, psycopg.errors.ReadOnlySqlTransaction)


def is_locked(error: BaseException) -> bool:
    """Whether an error is a lock timeout."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def _message(error: BaseException) -> str:
    """The message of the server, capitalized and with a period."""
    said: str = error.diag.message_primary or str(error)  # type: ignore[attr-defined]  # psycopg's error
    return f"{said[:1].upper()}{said[1:]}."
