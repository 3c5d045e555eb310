"""The connections to a PostgreSQL server: failover and lock timeouts."""

from typing import Any

from app import errors
from app.execution import WouldBlock
from app.store.engine.connections import Connections
from app.store.engine.engines import POSTGRESQL_LOCK_TIMEOUT
from app.store.engine.postgresql.errors import is_locked, is_misled
from app.store.engine.session import Session


class PostgreSQLConnections(Connections):
    """The connections of one process to a PostgreSQL server, or to a primary and its standbys."""

    # The number of times that the server was found to be gone.
    _generation = 0

    @property
    def lock_timeout(self) -> int:
        """The lock timeout of this thread in milliseconds."""
        timeout = self._thread.lock_timeout
        return POSTGRESQL_LOCK_TIMEOUT if timeout is None else timeout

    @property
    def generation(self) -> int:
        """A counter that changes when the server is found to be gone: connections of earlier generations are discarded."""
        return self._generation

    def translated(self, error: BaseException) -> BaseException:
        """See `Connections`."""
        return self.held_up(str(error)) if is_locked(error) else super().translated(error)

    def outcome(self, session: Session, connection: Any, error: BaseException, generation: int) -> BaseException:
        """Translate an error like `translated`, given the state of the unit of work.

        Discards connections if the server is gone, or is no longer the primary.

        :param connection: of the driver
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
        """Discard the connections of a generation: the server is gone."""
        if generation == self._generation:
            self._generation += 1
            self.engine.dispose()

    def held_up(self, why: str) -> BaseException:
        """The exception for a lock timeout: `WouldBlock` on a thread that other requests wait for, or else `Unavailable`."""
        return WouldBlock() if self.lock_timeout < POSTGRESQL_LOCK_TIMEOUT else errors.Unavailable(why)
