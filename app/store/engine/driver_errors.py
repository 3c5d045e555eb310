"""Errors of the driver and the pool, translated to exceptions of the domain."""

from abc import ABC, abstractmethod

import sqlalchemy as sa

from app import errors


class DriverErrors(ABC):
    """The errors of a database's driver."""

    integrity: type[Exception]
    """The error for a unique value that is taken."""

    unavailable: tuple[type[Exception], ...]
    """The errors for a database that does not respond, or not in time."""

    @property
    def known(self) -> tuple[type[Exception], ...]:
        """The classes of errors that are translated."""
        return (self.integrity, *self.unavailable, sa.exc.DatabaseError, sa.exc.TimeoutError)

    def translated(self, error: BaseException) -> BaseException:
        """Translate an error of the driver or the pool to an exception of the domain; return any other unchanged."""
        if isinstance(error, self.integrity):
            columns = self.taken_columns(error)
            return errors.NotUnique(columns[0] if len(columns) == 1 else columns)
        if isinstance(error, (*self.unavailable, sa.exc.DatabaseError, sa.exc.TimeoutError)):
            return errors.Unavailable(str(error))
        return error

    @abstractmethod
    def taken_columns(self, error: Exception) -> tuple[str, ...]:
        """The columns whose value is taken. :param error: of the class `integrity`"""
