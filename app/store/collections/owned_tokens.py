"""Tokens as objects of the contract. Only superusers change those that have permissions of their own."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app import determinism, errors
from app.caches import bounded_cache
from app.domain import Reference
from app.store.collections.identity import new_uuid
from app.store.collections.rows import Rows
from app.store.collections.tokens import TOKEN_BYTES, digest_of
from app.store.engine.database import Database, Query, Session
from app.store.queries.moments import NO_MOMENT, seconds_of
from app.store.queries.references import key_of
from app.store.queries.token_views import TOKEN_REFERENCES, TokenRow, token_view
from app.store.queries.view import OWNER
from app.store.schema.tables import tokens

_TAKEN = {"digest": "key", "name": "identifier"}


class OwnedTokens(Rows[TokenRow]):
    """The tokens of a database.

    :param database: the database
    :param searched: the searched properties
    :param references: the references of tokens in the contract
    :param owner: see `Rows`
    """

    def __init__(
        self, database: Database, searched: Sequence[str], references: Mapping[str, Reference], owner: str
    ) -> None:
        super().__init__(database, token_view(searched), TokenRow._make, tokens.c.name, owner=owner, cut=True)
        self._update_query = bounded_cache(16)(self._compile_update)
        compiled = database.compile
        self._fixed = references["user"].fixed if "user" in references else ""
        of_user = (tokens.c.pk == sa.bindparam("pk_"), tokens.c.user == sa.bindparam("user_"))
        self._of_user = compiled(sa.select(tokens.c.pk).where(*of_user))
        has_own = sa.or_(tokens.c.superuser.is_(sa.true()), tokens.c.permissions != "")
        self._has_own = compiled(sa.select(tokens.c.pk).where(tokens.c.pk == sa.bindparam("pk_"), has_own))
        self._known = compiled(sa.select(tokens.c.pk).where(tokens.c.name == sa.bindparam("identifier_")))
        of_digest = (tokens.c.pk == sa.bindparam("pk_"), tokens.c.digest == sa.bindparam("digest_"))
        self._of_digest = compiled(sa.select(tokens.c.pk).where(*of_digest))
        self._insert = compiled(sa.insert(tokens).values({c.name: sa.bindparam(c.name) for c in tokens.c}))
        self._delete_by_pk = compiled(sa.delete(tokens).where(tokens.c.pk == sa.bindparam("pk_")))

    def add(self, properties: Mapping[str, Any], secret: str | None = None) -> TokenRow:
        """Store a new token.

        :param properties: its properties
        :param secret: the token itself; random if it is not given
        :raises DanglingReference: there is no such user
        :raises NotUnique: the identifier is taken
        """
        with self._database.write() as session:
            self.insert(session, properties, secret)
            return self.read(session, properties["identifier"])

    def insert(self, session: Session, properties: Mapping[str, Any], secret: str | None = None) -> str:
        """Store a new token, within a transaction. :returns: its primary key"""
        if properties.get("user") is None:
            raise errors.DanglingReference({"user": None})
        row: dict[str, Any] = {
            **dict.fromkeys(tokens.c.keys()),
            **self._values(session, properties),
            "pk": new_uuid(),
            "digest": digest_of(secret or secrets.token_urlsafe(TOKEN_BYTES)),
            "superuser": False,
            "active": True,
            "permissions": "",
            "created": int(determinism.now()),
        }
        with self._database.translating(_TAKEN):
            session.run(self._insert, row)
        return str(row["pk"])

    def change(self, identifier: str, properties: Mapping[str, Any], filters: Mapping[str, Any] = {}) -> TokenRow:
        """Update some properties of a token.

        :raises NotFound: there is none, or it does not match
        :raises Forbidden: it has permissions of its own, and the caller is not a superuser
        :raises Invalid: the user would change
        :raises NotUnique: the new identifier is taken
        """
        with self._database.write() as session:
            row = self._read_writable(session, identifier, filters)
            self.update(session, row.pk, properties)
            return self.read(session, properties.get("identifier", identifier))

    def update(self, session: Session, pk: str, properties: Mapping[str, Any], secret: str | None = None) -> None:
        """Update some properties of a token, within a transaction.

        :param secret: the new token itself, if it changes
        :raises Invalid: the user would change
        """
        values = self._values(session, properties)
        fixed = self._fixed
        if fixed and "user" in values and session.row(self._of_user, {"pk_": pk, "user_": values["user"]}) is None:
            raise errors.Invalid({"user": [fixed]})
        if secret is not None:
            values["digest"] = digest_of(secret)
        if values:
            self._store(session, pk, values)

    def has_secret(self, session: Session, pk: str, secret: str) -> bool:
        """Whether a token has a secret. :param pk: the primary key of the token"""
        return session.row(self._of_digest, {"pk_": pk, "digest_": digest_of(secret)}) is not None

    def set_secret(self, identifier: str, secret: str, filters: Mapping[str, Any] = {}) -> None:
        """Replace the secret of a token.

        :raises NotFound: there is none, or it does not match
        :raises Forbidden: it has permissions of its own, and the caller is not a superuser
        :raises NotUnique: another token has this secret
        """
        with self._database.write() as session:
            self._store(session, self._read_writable(session, identifier, filters).pk, {"digest": digest_of(secret)})

    def remove(self, key: str, filters: Mapping[str, Any] = {}, terms: Sequence[str] = ()) -> None:
        """See `Rows`. :raises Forbidden: it has permissions of its own, and the caller is not a superuser"""
        with self._database.write() as session:
            self._read_writable(session, key, filters, terms)
            self.delete(session, key)

    def delete_by_pk(self, session: Session, pk: str) -> None:
        """Delete a token, within a transaction. :raises NotFound: there is none"""
        if not session.run(self._delete_by_pk, {"pk_": pk}):
            raise errors.NotFound

    def taken(self, identifier: str, own: str | None) -> bool:
        """Whether another token has an identifier. :param own: the identifier of the token to ignore, if any"""
        with self._database.read() as session:
            return identifier != own and session.row(self._known, {"identifier_": identifier}) is not None

    def _read_writable(
        self, session: Session, identifier: str, filters: Mapping[str, Any], terms: Sequence[str] = ()
    ) -> TokenRow:
        """The token, if the caller may change it.

        :raises Forbidden: it has permissions of its own, so that only superusers may change it
        """
        row = self.read(session, identifier, filters, terms, lock=True)
        if OWNER in filters and session.row(self._has_own, {"pk_": row.pk}) is not None:
            raise errors.Forbidden
        return row

    def _values(self, session: Session, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of properties. :raises DanglingReference: there is no such user"""
        self._references.resolve(session, TOKEN_REFERENCES, properties)
        values = dict(properties)
        if "identifier" in values:
            values["name"] = values.pop("identifier")
        if "user" in values:
            values["user"] = key_of(values["user"])
        if "expires" in values:
            moment = values["expires"]
            seconds = seconds_of(moment) if isinstance(moment, str) else moment
            if moment is not None and seconds is None:
                raise errors.Invalid({"expires": [NO_MOMENT]})
            # 0 means never.
            values["expires"] = 0 if moment is None else seconds or 1
        return values

    def _store(self, session: Session, pk: str, values: Mapping[str, Any]) -> None:
        new = {f"new_{name}": value for name, value in values.items()}
        with self._database.translating(_TAKEN):
            session.run(self._update_query(frozenset(values)), {**new, "pk_": pk})

    def _compile_update(self, columns: frozenset[str]) -> Query:
        values: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in sorted(columns)}
        found = sa.update(tokens).where(tokens.c.pk == sa.bindparam("pk_"))
        return self._database.compile(found.values(values))
