"""Errors of the driver and the pool, as the errors that callers know."""

from abc import ABC, abstractmethod

import sqlalchemy as sa

from app import errors


class DriverErrors(ABC):
    """The errors of a database's driver."""

    integrity: type[Exception]
    """A unique value is taken."""

    unavailable: tuple[type[Exception], ...]
    """The database does not answer, or not in time."""

    @property
    def known(self) -> tuple[type[Exception], ...]:
        """The classes that are translated."""
        return (self.integrity, *self.unavailable, sa.exc.DatabaseError, sa.exc.TimeoutError)

    def translated(self, error: BaseException) -> BaseException:
        """An error of the driver or the pool as the one that callers know; any other as it is."""
        if isinstance(error, self.integrity):
            columns = self.taken_columns(error)
            return errors.NotUnique(columns[0] if len(columns) == 1 else columns)
        if isinstance(error, (*self.unavailable, sa.exc.DatabaseError, sa.exc.TimeoutError)):
            return errors.Unavailable(str(error))
        return error

    @abstractmethod
    def taken_columns(self, error: Exception) -> tuple[str, ...]:
        """The columns whose value is taken. :param error: of the class `integrity`"""
