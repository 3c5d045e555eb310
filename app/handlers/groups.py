"""The operations on groups beyond those of every model."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from app.domain import SortKey, StoredObject
from app.handlers._people import page_of_people
from app.representations.objects import representations_of
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.queries.people import GROUPS, USERS

Filters = Mapping[str, Any]


class _User(TypedDict):
    """A body with the key of a user."""

    pk: int


def core_groups_list(
    store: Store,
    filters: Filters,
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    include_users: bool,
) -> dict[str, Any]:
    """A page of groups. :raises PageNotFound: there is no such page"""
    request = PageRequest(filters, search, ordering, page, page_size)
    return page_of_people(store, GROUPS, request, related=include_users)


def core_groups_retrieve(store: Store, key: str, include_users: bool) -> StoredObject:
    """Get a group. :raises NotFound: there is none"""
    represent = representations_of(store).object if include_users else representations_of(store).apart
    return StoredObject(store.objects.get(GROUPS, key), represent)


def core_groups_add_user_create(store: Store, key: str, body: _User) -> None:
    """Add a user to a group. :raises NotFound: there is no such group, or no such user"""
    store.objects.refer(GROUPS, key, USERS, body["pk"], add=True)


def core_groups_remove_user_create(store: Store, key: str, body: _User) -> None:
    """Remove a user from a group. :raises NotFound: there is no such group, or no such user"""
    store.objects.refer(GROUPS, key, USERS, body["pk"], add=False)
