"""Owners of tokens that are created without a user."""

import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.domain import Model
from app.store.collections.objects import Objects
from app.store.engine.database import Database, Session
from app.store.queries.people import GROUPS, USERS
from app.store.queries.token_views import superusers
from app.store.schema.tables import objects

# The administrator of a new authentik.
_ADMIN: Mapping[str, Any] = {"username": "akadmin", "name": "authentik Default Admin"}
_ADMINS: Mapping[str, Any] = {"name": "authentik Admins", "is_superuser": True}


class Owners:
    """Finds or creates the owner of a token.

    :param database: the database
    :param store: its objects
    :param models: the models of the contract, by name
    """

    def __init__(self, database: Database, store: Objects, models: Mapping[str, Model]) -> None:
        self._store = store
        of_collection = {model.collection: model for model in models.values()}
        self._user, self._group = of_collection.get(USERS), of_collection.get(GROUPS)
        named = (objects.c.collection == sa.bindparam("collection_"), objects.c.name == sa.bindparam("name_"))
        self._superusers = database.compile(superusers())
        self._find = database.compile(sa.select(objects.c.pk).where(*named))

    def of(self, session: Session, name: str, *, superuser: bool) -> str | None:
        """The key of the owner of a new token; None if the contract has no users.

        :param name: the name of the token, and of the service account that owns it
        :param superuser: whether the token has all permissions: the administrator owns it
        """
        if self._user is None or self._group is None:
            return None
        if not superuser:
            # The token must not get the permissions of an existing user.
            username = _free(name, taken=self._key_of(session, USERS, name))
            return self._create(session, self._user, {"username": username, "name": name, "type": "service_account"})
        # Callers with few permissions may take these names, but make no superuser.
        trusted = {pk for pk, reason in session.rows(self._superusers) if reason != "token"}
        admin = self._key_of(session, USERS, _ADMIN["username"])
        if admin in trusted:
            return admin
        group = self._key_of(session, GROUPS, _ADMINS["name"])
        if group not in trusted:
            group = self._create(session, self._group, {**_ADMINS, "name": _free(_ADMINS["name"], taken=group)})
        username = _free(_ADMIN["username"], taken=admin)
        return self._create(session, self._user, {**_ADMIN, "username": username, "groups": [group]})

    def _key_of(self, session: Session, collection: str, name: str) -> str | None:
        row = session.row(self._find, {"collection_": collection, "name_": name})
        return None if row is None else str(row[0])

    def _create(self, session: Session, model: Model, properties: Mapping[str, Any]) -> str:
        return self._store.insert(session, model.name, {**model.defaults, **properties})


def _free(name: str, *, taken: str | None) -> str:
    """A name, with a random suffix if an object has it. :param taken: the key of that object, if any"""
    return name if taken is None else f"{name}-{secrets.token_hex(4)}"
