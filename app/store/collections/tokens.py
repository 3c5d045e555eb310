"""Tokens: who may do what. The token itself is never stored, only its digest.

SHA-256 without a salt is enough for 256 random bits: there is nothing to guess.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from app import determinism, errors
from app.store.engine.database import Database, Row
from app.store.schema.tables import tokens

# Random bytes of a token.
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored.

    :param name: what it is called
    :param superuser: whether it has every permission
    :param active: False once it is revoked
    :param permissions: what it may do
    :param created: seconds since 1970-01-01 UTC
    :param expires: seconds since 1970-01-01 UTC; 0 for never
    """

    name: str
    superuser: bool
    active: bool
    permissions: frozenset[str]
    created: int
    expires: int

    def valid_at(self, now: float) -> bool:
        """Whether it is accepted at a time, in seconds since 1970-01-01 UTC."""
        return self.active and (self.expires == 0 or now < self.expires)


class Tokens:
    """The tokens of a database.

    :param database: where they are
    :param remembered: seconds that a looked-up token is remembered, at most: a revocation takes effect that much later
    """

    def __init__(self, database: Database, remembered: float) -> None:
        self._database = database
        self._remembered = remembered
        self._cache: dict[str, tuple[float, Token]] = {}
        columns = [tokens.c[name] for name in ("digest", *Token.__slots__)]
        self._find = database.compile(sa.select(*columns).where(tokens.c.digest == sa.bindparam("digest_")))
        self._list = database.compile(sa.select(*columns).order_by(tokens.c.created, tokens.c.name))
        self._count = database.compile(sa.select(sa.func.count()).select_from(tokens))
        self._insert = database.compile(
            sa.insert(tokens).values({column.name: sa.bindparam(column.name) for column in tokens.c})
        )
        self._revoke = database.compile(
            sa.update(tokens).where(tokens.c.name == sa.bindparam("name_")).values(active=sa.bindparam("active_"))
        )
        self._delete = database.compile(sa.delete(tokens).where(tokens.c.name == sa.bindparam("name_")))

    def find(self, secret: str) -> Token | None:
        """The valid token of a secret, None if there is none."""
        moment = time.monotonic()
        cached = self._cache.get(secret)
        if cached is not None and cached[0] > moment:
            return cached[1] if cached[1].valid_at(determinism.now()) else None
        digest = _digest(secret)
        with self._database.read() as session:
            row = session.row(self._find, {"digest_": digest})
        if row is None or not hmac.compare_digest(row[0], digest):
            return None
        token = _token(row)
        if not token.valid_at(determinism.now()):
            return None
        if self._remembered:
            if len(self._cache) >= 1024:
                self._cache.clear()
            self._cache[secret] = moment + self._remembered, token
        return token

    def page(self) -> list[Token]:
        """All tokens, the oldest first."""
        with self._database.read() as session:
            return [_token(row) for row in session.rows(self._list)]

    def any(self) -> bool:
        """Whether there is a token at all, valid or not."""
        with self._database.read() as session:
            row = session.row(self._count)
        return row is not None and row[0] > 0

    def add(
        self,
        name: str,
        *,
        superuser: bool = False,
        permissions: Iterable[str] = (),
        expires: int = 0,
        secret: str | None = None,
    ) -> str:
        """Create a token.

        :param expires: seconds since 1970-01-01 UTC; 0 for never
        :param secret: the token to use; a new random one if it is not given
        :returns: the token, which can't be had again
        :raises NotUnique: the name or the secret is taken
        """
        secret = secret or secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database.write() as session:
            session.run(
                self._insert,
                {
                    "name": name,
                    "digest": _digest(secret),
                    "superuser": superuser,
                    "active": True,
                    "permissions": " ".join(sorted(permissions)),
                    "created": int(determinism.now()),
                    "expires": expires,
                },
            )
        return secret

    def change(self, name: str, *, active: bool) -> None:
        """Revoke a token, or take the revocation back. :raises NotFound: there is none of this name"""
        with self._database.write() as session:
            if not session.run(self._revoke, {"name_": name, "active_": active}):
                raise errors.NotFound

    def remove(self, name: str) -> None:
        """Delete a token. :raises NotFound: there is none of this name"""
        with self._database.write() as session:
            if not session.run(self._delete, {"name_": name}):
                raise errors.NotFound


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Row) -> Token:
    _, name, superuser, active, permissions, created, expires = row
    return Token(name, bool(superuser), bool(active), frozenset(permissions.split()), created, expires)
