"""Tokens as credentials, with their permissions. Only the digest of a token is stored.

SHA-256 without a salt is enough for 256 random bits, which can't be guessed.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from app import determinism, errors
from app.store.collections.identity import new_uuid
from app.store.collections.owners import Owners
from app.store.engine.database import Database, Row, Session
from app.store.queries.token_views import is_active, is_superuser
from app.store.schema.tables import objects, tokens

TOKEN_BYTES = 32
"""The number of random bytes of a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A stored token.

    :param name: its identifier
    :param superuser: whether the token or its user has all permissions
    :param active: False if it is revoked, its user may not log in, or it is not for the API
    :param permissions: its permissions
    :param created: seconds since 1970-01-01 UTC
    :param expires: seconds since 1970-01-01 UTC; 0 for never
    :param user: the key of its user, empty if it has none
    """

    name: str
    superuser: bool
    active: bool
    permissions: frozenset[str]
    created: int
    expires: int
    user: str = ""

    session: ClassVar[None] = None

    def valid_at(self, now: float) -> bool:
        """Whether it is valid at a time, in seconds since 1970-01-01 UTC."""
        return self.active and (self.expires == 0 or now < self.expires)


class Tokens:
    """The tokens of a database.

    :param database: the database
    :param cached: the maximum age of a cached token in seconds: a revocation takes effect with this delay
    :param owners: finds the users of tokens that are created without one
    """

    def __init__(self, database: Database, cached: float, owners: Owners | None = None) -> None:
        self._database = database
        self._cached = cached
        self._owners = owners
        self._cache: dict[str, tuple[float, Token]] = {}
        compiled = database.compile
        joined = tokens.outerjoin(objects, objects.c.pk == tokens.c.user)
        found = sa.select(
            tokens.c.digest,
            tokens.c.name,
            sa.or_(tokens.c.superuser, is_superuser()),
            sa.and_(tokens.c.active, is_active(), tokens.c.intent == sa.literal_column("'api'")),
            tokens.c.permissions,
            tokens.c.created,
            sa.case((tokens.c.expiring.is_(sa.false()), 0), else_=tokens.c.expires),
            tokens.c.user,
        ).select_from(joined)
        self._find = compiled(found.where(tokens.c.digest == sa.bindparam("digest_")))
        expires = sa.case((tokens.c.expiring.is_(sa.false()), 0), else_=tokens.c.expires)
        of_user = (tokens.c.digest == sa.bindparam("digest_"), tokens.c.user == sa.bindparam("user_"))
        for_apps = (tokens.c.intent == sa.literal_column("'app_password'"), tokens.c.active.is_(sa.true()))
        self._app_password = compiled(sa.select(expires).where(*of_user, *for_apps))
        self._list = compiled(found.order_by(tokens.c.created, tokens.c.name))
        self._count = compiled(sa.select(sa.func.count()).select_from(tokens))
        self._insert = compiled(sa.insert(tokens).values({c.name: sa.bindparam(c.name) for c in tokens.c}))
        by_name = tokens.c.name == sa.bindparam("name_")
        self._revoke = compiled(sa.update(tokens).where(by_name).values(active=sa.bindparam("active_")))
        self._delete = compiled(sa.delete(tokens).where(by_name))
        of_nobody = sa.select(tokens.c.name, tokens.c.superuser).where(tokens.c.user.is_(None))
        self._of_nobody = compiled(of_nobody.order_by(tokens.c.created, tokens.c.name))
        self._adopt = compiled(
            sa.update(tokens)
            .where(by_name)
            .values(user=sa.bindparam("user_"), pk=sa.bindparam("pk_"), expiring=tokens.c.expires != 0)
        )

    def find(self, secret: str) -> Token | None:
        """The valid token of a secret, None if there is none."""
        moment = time.monotonic()
        cached = self._cache.get(secret)
        if cached is not None and cached[0] > moment:
            return cached[1] if cached[1].valid_at(determinism.now()) else None
        digest = digest_of(secret)
        with self._database.read() as session:
            row = session.row(self._find, {"digest_": digest})
        if row is None or not hmac.compare_digest(row[0], digest):
            return None
        token = _token(row)
        if not token.valid_at(determinism.now()):
            return None
        if self._cached:
            if len(self._cache) >= 1024:
                self._cache.clear()
            self._cache[secret] = moment + self._cached, token
        return token

    def is_app_password(self, secret: str, user: str) -> bool:
        """Whether a secret is a valid password for apps of a user."""
        with self._database.read() as session:
            row = session.row(self._app_password, {"digest_": digest_of(secret), "user_": user})
        return row is not None and (row[0] == 0 or determinism.now() < row[0])

    def page(self) -> list[Token]:
        """All tokens, the oldest first."""
        with self._database.read() as session:
            return [_token(row) for row in session.rows(self._list)]

    def any(self) -> bool:
        """Whether any token exists, valid or not."""
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
        :param secret: the token to use; random if it is not given
        :returns: the token, which can't be read again
        :raises NotUnique: the name or the secret is taken
        """
        secret = secret or secrets.token_urlsafe(TOKEN_BYTES)
        with self._database.write() as session:
            session.run(
                self._insert,
                {
                    "pk": new_uuid(),
                    "name": name,
                    "digest": digest_of(secret),
                    "user": self._owner(session, name, superuser=superuser),
                    "intent": "api",
                    "description": "",
                    "managed": None,
                    "superuser": superuser,
                    "active": True,
                    "permissions": " ".join(sorted(permissions)),
                    "created": int(determinism.now()),
                    "expires": expires,
                    "expiring": expires != 0,
                },
            )
        return secret

    def adopt(self) -> None:
        """Give an owner to each token without one, after a migration."""
        with self._database.write() as session:
            for name, superuser in session.rows(self._of_nobody):
                owner = self._owner(session, name, superuser=bool(superuser))
                session.run(self._adopt, {"name_": name, "user_": owner, "pk_": new_uuid()})

    def administrator(self, session: Session) -> str:
        """The key of the administrator, who is created if there is none. The contract has users."""
        return str(self._owner(session, "", superuser=True))

    def _owner(self, session: Session, name: str, *, superuser: bool) -> str | None:
        return None if self._owners is None else self._owners.of(session, name, superuser=superuser)

    def change(self, name: str, *, active: bool) -> None:
        """Revoke a token, or restore it. :raises NotFound: there is none of this name"""
        with self._database.write() as session:
            if not session.run(self._revoke, {"name_": name, "active_": active}):
                raise errors.NotFound

    def remove(self, name: str) -> None:
        """Delete a token. :raises NotFound: there is none of this name"""
        with self._database.write() as session:
            if not session.run(self._delete, {"name_": name}):
                raise errors.NotFound


def digest_of(secret: str) -> str:
    """The stored digest of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Row) -> Token:
    _, name, superuser, active, permissions, created, expires, user = row
    may = frozenset(permissions.split())
    return Token(name, bool(superuser), bool(active), may, created, expires, user or "")
