"""Errors of SQLite's driver."""

import sqlite3

from app import errors
from app.store.engine.driver_errors import DriverErrors
from app.store.engine.locking import is_locked, runs_event_loop


class SQLiteErrors(DriverErrors):
    """The errors of the module `sqlite3`."""

    integrity = sqlite3.IntegrityError
    unavailable = (sqlite3.OperationalError,)

    def translated(self, error: BaseException) -> BaseException:
        """See `DriverErrors`."""
        if is_locked(error) and runs_event_loop():
            return errors.Locked(str(error))
        # The error of SQLite for a damaged file has no class of its own.
        if type(error) is sqlite3.DatabaseError:
            return errors.Unavailable(str(error))
        return super().translated(error)

    def taken_columns(self, error: Exception) -> tuple[str, ...]:
        """The columns that the message of SQLite names."""
        return tuple(column.rpartition(".")[2] for column in str(error).split(", "))
