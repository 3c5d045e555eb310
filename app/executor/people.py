"""Users in flows: stored ones, and placeholders for names that no user has."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from app import errors
from app.representations.people import avatar, user_properties
from app.store import Store
from app.store.collections.runnable_flows import GroupRow
from app.store.queries.object_views import ObjectRow
from app.store.queries.people import USERS

NOBODY_AVATAR = "/static/dist/assets/images/user_default.png"
"""The picture of an anonymous user."""


# The attribute of users and groups who see errors.
_DEBUG = "goauthentik.io/user/debug"


class Person:
    """A user.

    :param row: the stored user; None for a placeholder
    :param username: the name of a placeholder
    :param store: to look up the groups above the user's own; None to leave them out
    """

    def __init__(self, row: ObjectRow | None, username: str = "", store: Store | None = None) -> None:
        self._row = row
        self._store = store
        self.pk = "" if row is None else row.pk
        self.username = username if row is None else row.name

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The stored properties."""
        return {} if self._row is None else orjson.loads(self._row.properties)

    @cached_property
    def generated(self) -> Mapping[str, Any]:
        """The generated properties, such as groups."""
        return {} if self._row is None else user_properties(self._row.properties, self._row.related)

    @property
    def name(self) -> str:
        """The full name."""
        return str(self.values.get("name", ""))

    @property
    def address(self) -> str:
        """The e-mail address, empty if there is none."""
        return str(self.values.get("email") or "")

    @property
    def avatar(self) -> str:
        """The picture."""
        return avatar(self.name or self.username)

    @property
    def is_active(self) -> bool:
        """Whether the user may log in."""
        return self._row is not None and bool(self.values.get("is_active", True))

    @property
    def is_superuser(self) -> bool:
        """Whether the user has all permissions."""
        return bool(self.generated.get("is_superuser", False))

    @property
    def may_debug(self) -> bool:
        """Whether the user sees errors: superusers do, and those with an attribute for it."""
        holders = (self.values, *self.groups)
        return self.is_superuser or any(holder.get("attributes", {}).get(_DEBUG) is True for holder in holders)

    @property
    def uid(self) -> str:
        """The public identifier."""
        return str(self.generated.get("uid", ""))

    @property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """The groups: `pk`, `name`, `is_superuser`, `attributes`."""
        found: Sequence[Mapping[str, Any]] = self.generated.get("groups_obj", ())
        return found

    @cached_property
    def all_groups(self) -> Sequence[Mapping[str, Any]]:
        """The groups, and their parents at any distance."""
        own = {group["pk"] for group in self.groups}
        if self._store is None or not any(group["parent"] for group in self.groups):
            return self.groups
        above = self._store.runnable_flows.groups_above(self.pk)
        return [*self.groups, *(_group(row) for row in above if row.pk not in own)]

    @property
    def in_context(self) -> dict[str, str]:
        """The user as part of the context of a plan, which is JSON."""
        return {"pk": self.pk, "username": self.username}


def _group(row: GroupRow) -> dict[str, Any]:
    values = orjson.loads(row.properties)
    found = {name: values.get(name, empty) for name, empty in (("is_superuser", False), ("attributes", {}))}
    return {"pk": row.pk, "name": row.name, **found}


def person(store: Store, pk: str | None) -> Person | None:
    """A stored user, None if there is none.

    :param pk: the key; empty for a user who does not exist, whose look-up takes as long
    """
    if pk is None:
        return None
    try:
        return Person(store.objects.get(USERS, pk), store=store)
    except errors.NotFound:
        return None


def person_of(store: Store, kept: Mapping[str, str] | None) -> Person | None:
    """The user in the context of a plan, None if there is none. A deleted user becomes a placeholder.

    :param kept: see `Person.in_context`
    """
    return None if kept is None else person(store, kept["pk"]) or Person(None, kept["username"])
