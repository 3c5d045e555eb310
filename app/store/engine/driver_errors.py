"""Errors of the driver and the pool, and those that callers know."""

import sqlite3
from collections.abc import Mapping

import sqlalchemy as sa

from app import errors
from app.store.engine.locking import is_locked, runs_event_loop
from app.store.schema.tables import metadata


class DriverErrors:
    """The errors of a database's driver.

    :param embedded: whether it is SQLite's
    """

    def __init__(self, *, embedded: bool) -> None:
        integrity: type[Exception] = sqlite3.IntegrityError
        driver: tuple[type[Exception], ...] = (sqlite3.OperationalError,)
        misled: tuple[type[Exception], ...] = ()
        in_conflict: tuple[type[Exception], ...] = ()
        locked: tuple[type[Exception], ...] = ()
        self._advice: Mapping[type[Exception], str] = {}
        if not embedded:
            import psycopg

            integrity = psycopg.errors.UniqueViolation
            driver = (psycopg.OperationalError, psycopg.InternalError)
            misled = (psycopg.errors.ReadOnlySqlTransaction,)
            in_conflict = (
                psycopg.errors.SerializationFailure,
                psycopg.errors.DeadlockDetected,
                # The session is not the one that has prepared it.
                psycopg.errors.InvalidSqlStatementName,
                psycopg.errors.DuplicatePreparedStatement,
            )
            locked = (psycopg.errors.LockNotAvailable,)
            self._advice = {
                psycopg.errors.InsufficientPrivilege: "`flows doctor` says what the role needs.",
                psycopg.errors.UndefinedTable: "Run `flows db upgrade`.",
                psycopg.errors.UntranslatableCharacter: "A database with ENCODING 'UTF8' stores every text.",
            }
        self._integrity, self._misled, self._in_conflict, self._locked = integrity, misled, in_conflict, locked
        self._unavailable: tuple[type[Exception], ...] = (*driver, sa.exc.DatabaseError, sa.exc.TimeoutError)
        self.known: tuple[type[Exception], ...] = (integrity, *self._unavailable, *self._advice)
        """Those that are translated."""

    def is_misled(self, error: BaseException) -> bool:
        """Whether a server that became a standby says so: it keeps its connections, and the primary is another one now."""
        return isinstance(error.__cause__ or error, self._misled)

    def is_locked(self, error: BaseException) -> bool:
        """Whether a server says that another transaction has locked what a statement wants."""
        return isinstance(error, self._locked)

    def translated(self, error: BaseException) -> BaseException:
        """An error of the driver or the pool as the one that callers know; any other as it is."""
        if isinstance(error, self._integrity):
            return errors.NotUnique(_taken_columns(error))
        if isinstance(error, self._in_conflict):
            return errors.TakenBack(str(error))
        if is_locked(error) and runs_event_loop():
            return errors.Locked(str(error))
        for kind, advice in self._advice.items():
            if isinstance(error, kind):
                return errors.Unfit(f"{_sentence(error)} {advice}")
        # What SQLite says of a damaged file is of no kind of its own.
        if isinstance(error, self._unavailable) or type(error) is sqlite3.DatabaseError:
            return errors.Unavailable(str(error))
        return error


def _sentence(error: BaseException) -> str:
    """What a server says, as a sentence."""
    said: str = error.diag.message_primary or str(error)  # type: ignore[attr-defined]  # psycopg's error
    return f"{said[:1].upper()}{said[1:]}."


def _taken_columns(error: Exception) -> str | tuple[str, ...]:
    """The columns whose value is taken: SQLite names them, PostgreSQL their constraint."""
    if isinstance(error, sqlite3.IntegrityError):
        columns = tuple(column.rpartition(".")[2] for column in str(error).split(", "))
    else:
        diagnostic = error.diag  # type: ignore[attr-defined]  # psycopg's error
        constraints = metadata.tables[diagnostic.table_name].constraints
        (constraint,) = (known for known in constraints if known.name == diagnostic.constraint_name)
        columns = tuple(column.name for column in constraint.columns)  # type: ignore[attr-defined]  # of a unique one
    return columns[0] if len(columns) == 1 else columns
