"""The operations on users that do more than those on every model."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from app import passwords
from app.domain import StoredObject
from app.execution import long_running
from app.representations.objects import shapes_of
from app.representations.pages import page_of
from app.store import Store
from app.store.queries.listing import PageRequest, SortKey

Filters = Mapping[str, Any]

_USER = "authentik_core.user"


class _Password(TypedDict):
    """The body that sets a password."""

    password: str


def core_users_list(
    store: Store,
    filters: Filters,
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    include_groups: bool,
) -> dict[str, Any]:
    """A page of users. :raises PageNotFound: there is no such page"""
    found = store.objects.page(_USER, PageRequest(filters, search, ordering, page, page_size))
    shape = shapes_of(store).object if include_groups else shapes_of(store).apart
    return page_of([StoredObject(row, shape) for row in found.rows], found.count, page, page_size)


@long_running
def core_users_set_password_create(store: Store, key: int, body: _Password) -> None:
    """Set the password of a user. :raises NotFound: there is no such user"""
    # The hash takes a while, which is not spent within a transaction, nor on a user that there is not.
    store.objects.get(_USER, key)
    store.passwords.set(key, passwords.hashed(body["password"]))


def core_users_paths_retrieve(store: Store, search: Sequence[str]) -> dict[str, list[str]]:
    """The paths of the users that match."""
    return {"paths": store.objects.values(_USER, "path", search)}
