"""Errors of PostgreSQL's driver."""

from collections.abc import Mapping

import psycopg

from app import errors
from app.store.engine.driver_errors import DriverErrors
from app.store.schema.tables import metadata

_IN_CONFLICT = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    # The session is not the one that has prepared it.
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
        """The columns of the constraint, which PostgreSQL names."""
        diagnostic = error.diag  # type: ignore[attr-defined]  # psycopg's error
        constraints = metadata.tables[diagnostic.table_name].constraints
        (constraint,) = (known for known in constraints if known.name == diagnostic.constraint_name)
        return tuple(column.name for column in constraint.columns)  # type: ignore[attr-defined]  # of a unique one


def is_misled(error: BaseException) -> bool:
    """Whether a server that became a standby says so: it keeps its connections, and the primary is another one now."""
    return isinstance(error.__cause__ or error, psycopg.errors.ReadOnlySqlTransaction)


def is_locked(error: BaseException) -> bool:
    """Whether a server says that another transaction has locked what a statement wants."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def _message(error: BaseException) -> str:
    """What a server says, as a sentence."""
    said: str = error.diag.message_primary or str(error)  # type: ignore[attr-defined]  # psycopg's error
    return f"{said[:1].upper()}{said[1:]}."
