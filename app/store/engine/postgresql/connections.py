"""The connections to a PostgreSQL server, which may be gone or have a lock that others want."""

from typing import Any

from app import errors
from app.execution import WouldBlock
from app.store.engine.connections import Connections
from app.store.engine.engines import POSTGRESQL_LOCK_TIMEOUT
from app.store.engine.postgresql.errors import is_locked, is_misled
from app.store.engine.session import Session


class PostgreSQLConnections(Connections):
    """The connections of one process to one PostgreSQL server, or to several of which one takes changes."""

    # Counts the times that the server was found to be gone.
    _generation = 0

    @property
    def lock_timeout(self) -> int:
        """How many milliseconds this thread waits for a lock."""
        timeout: int = getattr(self._thread, "lock_timeout", POSTGRESQL_LOCK_TIMEOUT)
        return timeout

    @property
    def generation(self) -> int:
        """What differs once the server was found to be gone: no connection of before is worth keeping then."""
        return self._generation

    def translated(self, error: BaseException) -> BaseException:
        """See `Connections`."""
        return self.held_up(str(error)) if is_locked(error) else super().translated(error)

    def outcome(self, session: Session, connection: Any, error: BaseException, generation: int) -> BaseException:
        """What an error means; `translated` that knows what became of the unit of work.

        No connection is kept if the server is gone, or is no longer the one that takes changes.

        :param connection: the driver's
        :param generation: of the connection
        """
        gone = connection.closed
        if gone or is_misled(error):
            self.lost(generation)
        known = self.translated(error)
        if gone and type(known) is errors.Unavailable and not session.uncertain:
            return errors.SerializationFailure(str(known))
        return known

    def lost(self, generation: int) -> None:
        """Keep no connection of a generation: the server is gone."""
        if generation == self._generation:
            self._generation += 1
            self.engine.dispose()

    def held_up(self, why: str) -> BaseException:
        """What to raise when a lock is not to be had in time: `WouldBlock` where others would wait too, or else `Unavailable`."""
        return WouldBlock() if self.lock_timeout < POSTGRESQL_LOCK_TIMEOUT else errors.Unavailable(why)
