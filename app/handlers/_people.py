"""Pages of users and of groups."""

from typing import Any

from app.domain import StoredObject
from app.representations.objects import representations_of
from app.representations.pages import page_of
from app.store import Store
from app.store.queries.listing import PageRequest


def page_of_people(store: Store, collection: str, request: PageRequest, *, related: bool) -> dict[str, Any]:
    """A page of users or groups.

    :param related: whether each includes its groups or users
    :raises PageNotFound: there is no such page
    """
    found = store.objects.page(collection, request)
    represent = representations_of(store).object if related else representations_of(store).apart
    return page_of([StoredObject(row, represent) for row in found.rows], found.count, request.page, request.page_size)
