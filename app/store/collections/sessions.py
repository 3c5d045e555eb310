"""Sessions of clients that run flows. Only the digest of a session's key is stored."""

from typing import NamedTuple

import sqlalchemy as sa

from app import determinism, errors
from app.store.engine.database import Database
from app.store.engine.session import Session
from app.store.schema.tables import SESSION_KEY, properties, sessions


class StoredSession(NamedTuple):
    """A stored session.

    :param digest: the digest of its key
    :param uuid: its identifier in the API
    :param user: the key of the user who has logged in, None if nobody has
    :param version: the number of its changes
    :param used: when it was used last, in seconds since 1970-01-01 UTC
    :param expires: when it ends
    :param lifetime: in seconds; 0 for as long as the browser is open
    :param address: the address of the client
    :param agent: the program of the client
    :param state: the plan and what belongs to it, as JSON
    """

    digest: str
    uuid: str
    user: str | None
    version: int
    used: int
    expires: int
    lifetime: int
    address: str
    agent: str
    state: str


class Sessions:
    """The sessions of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = ""
        compiled = database.compile
        mine = sessions.c.digest == sa.bindparam("digest_")
        unchanged = sa.and_(mine, sessions.c.version == sa.bindparam("version_"))
        changed = ("version", "used", "expires", "lifetime", "address", "agent", "state")
        values: dict[str, sa.BindParameter[object]] = {name: sa.bindparam(f"new_{name}") for name in changed}
        of_user = sessions.c.user == sa.bindparam("user_")
        self._select = compiled(sa.select(*(sessions.c[name] for name in StoredSession._fields)).where(mine))
        self._insert = compiled(sa.insert(sessions).values({c.name: sa.bindparam(c.name) for c in sessions.c}))
        self._update = compiled(sa.update(sessions).where(unchanged).values(values))
        self._delete = compiled(sa.delete(sessions).where(unchanged))
        self._delete_expired = compiled(sa.delete(sessions).where(sessions.c.expires <= sa.bindparam("now_")))
        self._delete_others = compiled(sa.delete(sessions).where(of_user, sessions.c.digest != sa.bindparam("digest_")))
        named = properties.c.name == sa.literal_column(f"'{SESSION_KEY}'")
        self._select_key = compiled(sa.select(properties.c.value).where(named))

    @property
    def signing_key(self) -> str:
        """The key that signs cookies, made with the tables."""
        if not self._key:
            with self._database.read() as session:
                ((self._key,),) = session.rows(self._select_key)
        return self._key

    def find(self, digest: str) -> StoredSession | None:
        """A session that has not expired, None if there is none."""
        with self._database.read() as session:
            row = session.row(self._select, {"digest_": digest})
        if row is None:
            return None
        found = StoredSession._make(row)
        return found if found.expires > determinism.now() else None

    def add(self, stored: StoredSession) -> None:
        """Store a new session, and delete those that have expired."""
        with self._database.write() as session:
            session.run(self._delete_expired, {"now_": int(determinism.now())})
            session.run(self._insert, stored._asdict())

    def change(self, stored: StoredSession) -> None:
        """Store changes of a session, as its next version.

        :raises SerializationFailure: another request has changed it
        """
        values = {f"new_{name}": value for name, value in stored._asdict().items()}
        with self._database.write() as session:
            if not session.run(
                self._update,
                {**values, "new_version": stored.version + 1, "digest_": stored.digest, "version_": stored.version},
            ):
                raise errors.SerializationFailure("Another request has changed the session.")

    def remove(self, stored: StoredSession) -> None:
        """Delete a session. :raises SerializationFailure: another request has changed it"""
        with self._database.write() as session:
            if not session.run(self._delete, {"digest_": stored.digest, "version_": stored.version}):
                raise errors.SerializationFailure("Another request has changed the session.")

    def remove_others(self, user: str, digest: str = "") -> None:
        """Delete all sessions of a user but one. :param digest: of the one to keep; empty for none"""
        with self._database.write() as session:
            self.end(session, user, digest)

    def end(self, session: Session, user: str, digest: str = "") -> None:
        """Delete all sessions of a user but one, within a transaction. :param digest: of the one to keep; empty for none"""
        session.run(self._delete_others, {"user_": user, "digest_": digest})
