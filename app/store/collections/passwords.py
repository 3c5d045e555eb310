"""Hashes of passwords, apart from users, so that no representation of a user contains them."""

import sqlalchemy as sa

from app import determinism, errors
from app.passwords import matches
from app.store.collections.rows import locking
from app.store.engine.database import Database, Session
from app.store.queries.references import key_of
from app.store.schema.tables import objects, passwords

_UNUSABLE = ""


class Passwords:
    """The password hashes of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.compile
        mine = passwords.c.user == sa.bindparam("user_")
        self._lock = compiled(locking(objects.c.pk))
        self._delete = compiled(sa.delete(passwords).where(mine))
        self._insert = compiled(
            sa.insert(passwords).values(
                user=sa.bindparam("user_"), hash=sa.bindparam("hash_"), changed=sa.bindparam("changed_")
            )
        )
        self._expire = compiled(sa.update(passwords).values(hash=_UNUSABLE).where(mine))
        self._select = compiled(sa.select(passwords.c.hash).where(mine, passwords.c.hash != _UNUSABLE))
        self._select_changed = compiled(sa.select(passwords.c.changed).where(mine))

    def set(self, user: str | int, hashed: str) -> None:
        """Store the hash of a user's password, replacing the last one.

        :raises NotFound: there is no such user
        """
        key = key_of(user)
        with self._database.write() as session:
            if session.row(self._lock, {"key_": key}) is None:
                raise errors.NotFound
            self.store(session, key, hashed)

    def store(self, session: Session, user: str, hashed: str) -> None:
        """Store the hash of a user's password, within a transaction. :param user: the primary key of the user, who is locked"""
        session.run(self._delete, {"user_": user})
        session.run(self._insert, {"user_": user, "hash_": hashed, "changed_": int(determinism.now())})

    def matches(self, session: Session, user: str, password: str) -> bool:
        """Whether a user has a password, within a transaction. :param user: the primary key of the user"""
        row = session.row(self._select, {"user_": user})
        return row is not None and matches(password, str(row[0]))

    def of(self, user: str | int) -> str | None:
        """The hash of a user's password, None if there is none that is usable."""
        with self._database.read() as session:
            row = session.row(self._select, {"user_": key_of(user)})
        return None if row is None else str(row[0])

    def changed(self, user: str | int) -> int | None:
        """When a user's password was set, in seconds since 1970. None if that is not known, or there is none."""
        with self._database.read() as session:
            row = session.row(self._select_changed, {"user_": key_of(user)})
        return None if row is None else row[0]

    def expire(self, user: str | int) -> None:
        """Make a user's password unusable. When it was set is kept."""
        with self._database.write() as session:
            session.run(self._expire, {"user_": key_of(user)})
