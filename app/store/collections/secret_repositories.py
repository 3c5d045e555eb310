"""The repositories of objects with secrets that are set, but never read: passwords of users, and keys of tokens."""

from collections.abc import Mapping
from typing import Any

from app.domain import Model
from app.passwords import hashed
from app.store.collections.objects import Objects
from app.store.collections.owned_tokens import OwnedTokens
from app.store.collections.passwords import Passwords
from app.store.collections.repositories import ObjectRepository, Reading, properties_of_token
from app.store.collections.sessions import Sessions
from app.store.engine.database import Database, Row, Session
from app.store.queries.token_views import TokenRow, token_view

_PASSWORD, _KEY = "password", "key"


class UserRepository(ObjectRepository):
    """The repository of users, whose sessions end when they are deactivated or get another password.

    :param sessions: the sessions
    :param passwords: the hashes of passwords
    """

    def __init__(
        self, database: Database, objects: Objects, sessions: Sessions, passwords: Passwords, model: Model
    ) -> None:
        super().__init__(database, objects, model)
        self._sessions = sessions
        self._passwords = passwords

    def changes(self, session: Session, pk: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        password, others = _apart(_PASSWORD, properties)
        changed = super().changes(session, pk, others)
        if password is not None and not self._passwords.matches(session, pk, password):
            changed[_PASSWORD] = password
        return changed

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Repository`."""
        password, others = _apart(_PASSWORD, properties)
        pk = super().add(session, others, pk)
        if password is not None:
            self._passwords.store(session, pk, hashed(password))
        return pk

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """See `Repository`."""
        password, others = _apart(_PASSWORD, properties)
        super().change(session, pk, others)
        if password is not None:
            self._passwords.store(session, pk, hashed(password))
        if password is not None or others.get("is_active") is False:
            self._sessions.end(session, pk)


class TokenRepository(Reading):
    """The repository of tokens.

    :param tokens: the tokens
    :param model: their model
    """

    def __init__(self, database: Database, tokens: OwnedTokens, model: Model) -> None:
        view = token_view()
        super().__init__(database, view, view.columns)
        self._tokens = tokens
        self._model = model

    def _properties(self, row: Row) -> dict[str, Any]:
        values = properties_of_token(TokenRow._make(row))
        return {name: values[name] for name in ("pk", *self._model.properties)}

    def changes(self, session: Session, pk: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """See `Repository`."""
        secret, others = _apart(_KEY, properties)
        changed = super().changes(session, pk, others)
        if secret is not None and not self._tokens.has_secret(session, pk, secret):
            changed[_KEY] = secret
        return changed

    def add(self, session: Session, properties: Mapping[str, Any], pk: str | None = None) -> str:
        """See `Repository`. A token has its own primary key."""
        del pk
        secret, others = _apart(_KEY, properties)
        return self._tokens.insert(session, others, secret)

    def change(self, session: Session, pk: str, properties: Mapping[str, Any]) -> None:
        """See `Repository`."""
        secret, others = _apart(_KEY, properties)
        self._tokens.update(session, pk, others, secret)

    def remove(self, session: Session, pk: str) -> None:
        """See `Repository`."""
        self._tokens.delete_by_pk(session, pk)


def _apart(name: str, properties: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A secret, None if there is none, and the other properties."""
    others = dict(properties)
    return others.pop(name, None), others
