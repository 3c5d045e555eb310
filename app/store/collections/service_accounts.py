"""Service accounts: a user for a program, with a token and optionally a group, created in one transaction."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import errors
from app.domain import Model
from app.store.collections.objects import Objects
from app.store.collections.owned_tokens import OwnedTokens
from app.store.collections.tokens import TOKEN_BYTES
from app.store.engine.database import Database, Session
from app.store.queries.object_views import ObjectRow
from app.store.queries.people import GROUPS, USERS


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A new service account.

    :param user: the user
    :param group: the key of the group; None if there is none
    :param secret: the token, which can't be read again
    """

    user: ObjectRow
    group: str | None
    secret: str


class ServiceAccounts:
    """Creates service accounts.

    :param database: the database
    :param objects: its users and groups
    :param tokens: its tokens
    :param models: the models of the contract, by name
    """

    def __init__(self, database: Database, objects: Objects, tokens: OwnedTokens, models: Mapping[str, Model]) -> None:
        self._database = database
        self._objects = objects
        self._tokens = tokens
        self._models = {model.collection: model for model in models.values()}

    def add(
        self, user: Mapping[str, Any], token: Mapping[str, Any], *, group: Mapping[str, Any] | None
    ) -> ServiceAccount:
        """Create a user, a token and a group.

        :param user: the properties of the user that are not defaults
        :param token: all properties of the token but its user
        :param group: the properties of the group; None for none
        :raises NotUnique: the name of one is taken
        """
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        try:
            with self._database.write() as session:
                made = self._new(session, GROUPS, group) if group is not None else None
                groups = [] if made is None else [made]
                key = self._new(session, USERS, {**user, "groups": groups})
                self._tokens.insert(session, {**token, "user": int(key)}, secret)
                return ServiceAccount(self._objects.read(session, USERS, key), made, secret)
        except errors.NotUnique as error:
            # The body has one name for all three.
            raise errors.NotUnique("name") from error

    def _new(self, session: Session, collection: str, properties: Mapping[str, Any]) -> str:
        model = self._models[collection]
        return self._objects.insert(session, model.name, {**model.defaults, **properties})
