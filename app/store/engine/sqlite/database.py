"""A SQLite database in a file."""

import contextlib
from collections.abc import Collection, Iterator

import sqlalchemy as sa

from app.store.engine.database import Database
from app.store.engine.session import Session
from app.store.engine.sqlite.connections import SQLiteConnections
from app.store.engine.sqlite.session import ThreadSession


class SQLiteDatabase(SQLiteConnections, Database):
    """A SQLite database. It has one writer at a time, so that all transactions are serializable."""

    name = "sqlite"
    shared = is_remote = False
    migration_begin = (SQLiteConnections.begin,)
    size_query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"

    @property
    def serves_threads(self) -> bool:
        """See `Database`. A database in memory has one connection."""
        return self.address.path is not None

    def read(self) -> contextlib.AbstractContextManager[Session]:
        """See `Database`."""
        return self._thread_session()

    def serializable(self) -> contextlib.AbstractContextManager[Session]:
        """See `Database`."""
        return self.write()

    def upkeep(self) -> contextlib.AbstractContextManager[Session]:
        """See `Database`."""
        return self.write()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Session]:
        """See `Database`. It does not block writers."""
        with self._thread_session() as session:
            session.script("BEGIN")
            try:
                yield session
            finally:
                session.script("ROLLBACK")

    def tables(self, names: Collection[str]) -> set[str]:
        """See `Database`."""
        query = self.compile(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        with self.read() as session:
            return {name for (name,) in session.rows(query)}.intersection(names)

    def _thread_session(self) -> ThreadSession:
        session: ThreadSession | None = self._thread.session
        if session is None:
            session = self._thread.session = ThreadSession(self)
        return session
