"""Users as flows see them, stored or made up."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson

from app import errors
from app.representations.people import avatar, user_properties
from app.store import Store
from app.store.queries.object_views import ObjectRow
from app.store.queries.people import USERS

NOBODY_AVATAR = "/static/dist/assets/images/user_default.png"
"""The picture of an anonymous user."""


class Person:
    """A user.

    :param row: the stored user; None for one that is made up
    :param username: the name of a user that is made up
    """

    def __init__(self, row: ObjectRow | None, username: str = "") -> None:
        self._row = row
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
    def uid(self) -> str:
        """The public identifier."""
        return str(self.generated.get("uid", ""))

    @property
    def groups(self) -> frozenset[str]:
        """The keys of the groups, and of the groups above these."""
        found = self.generated.get("groups_obj", ())
        return frozenset(filter(None, (key for group in found for key in (group["pk"], group["parent"]))))

    @property
    def in_context(self) -> dict[str, str]:
        """The user as part of the context of a plan, which is JSON."""
        return {"pk": self.pk, "username": self.username}


def person(store: Store, pk: str | None) -> Person | None:
    """A stored user, None if there is none. :param pk: the key"""
    if not pk:
        return None
    try:
        return Person(store.objects.get(USERS, pk))
    except errors.NotFound:
        return None


def person_of(store: Store, kept: Mapping[str, str] | None) -> Person | None:
    """The user in the context of a plan, None if there is none. A deleted one is as one that is made up.

    :param kept: see `Person.in_context`
    """
    return None if kept is None else person(store, kept["pk"]) or Person(None, kept["username"])
