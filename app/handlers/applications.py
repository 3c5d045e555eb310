"""The operations on applications, which are identified by their slugs, and visible to the users that their policies admit."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app import errors
from app.domain import RequestContext, SortKey, StoredObject
from app.executor.applications import APPLICATIONS, access_to, application_with
from app.executor.people import Person, person
from app.representations.applications import ShownApplication, launch_url_of
from app.representations.objects import representations_of
from app.representations.pages import page_of
from app.representations.uses import visible_uses
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.queries.object_views import ObjectRow
from app.store.queries.references import key_of, shown_key

Body = Mapping[str, Any]


def core_applications_list(
    store: Store,
    filters: Mapping[str, Any],
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    request: RequestContext,
    for_user: int | None = None,
    superuser_full_list: bool | None = None,
    only_with_launch_url: bool | None = None,
) -> dict[str, Any]:
    """A page of applications, without those that the user may not use.

    :raises PageNotFound: there is no such page
    :raises Rejected: there is no user `for_user`
    """
    caller, user = person(store, request.user), _user(store, request, for_user)
    found = store.objects.page(APPLICATIONS, PageRequest(filters, search, ordering, page, page_size))
    rows = found.rows
    if not (superuser_full_list and request.superuser):
        rows = [row for row in rows if access_to(store, row, user, request.credentials).passes]
    shown = [_shown(store, row, caller) for row in rows]
    if only_with_launch_url:
        shown = [one for one in shown if one.row[1] is not None]
    return page_of(shown, found.count, page, page_size)


def core_applications_create(store: Store, body: Body, request: RequestContext) -> StoredObject:
    """Create an application. :raises NotUnique: the slug is taken"""
    return _shown(store, store.objects.add(store.model_of(APPLICATIONS).name, body), person(store, request.user))


def core_applications_retrieve(store: Store, key: str, request: RequestContext) -> StoredObject:
    """Get an application.

    :raises NotFound: there is none
    :raises Forbidden: its policies deny it to the caller
    """
    row, user = application_with(store, key), person(store, request.user)
    if not request.superuser and not access_to(store, row, user, request.credentials).passes:
        raise errors.Forbidden
    return _shown(store, row, user)


def core_applications_update(store: Store, key: str, body: Body, request: RequestContext) -> StoredObject:
    """Update the given properties. :raises NotFound: there is no such application :raises NotUnique: the slug is taken"""
    pk = application_with(store, key).pk
    return _shown(store, store.objects.change(APPLICATIONS, pk, body), person(store, request.user))


core_applications_partial_update = core_applications_update


def core_applications_destroy(store: Store, key: str) -> None:
    """Delete an application. :raises NotFound: there is none"""
    store.objects.remove(APPLICATIONS, application_with(store, key).pk)


def core_applications_used_by_list(store: Store, key: str, request: RequestContext) -> list[dict[str, Any]]:
    """The objects that are connected with an application. :raises NotFound: there is none"""
    return visible_uses(store.used_by.of(APPLICATIONS, application_with(store, key).pk), request)


def core_applications_check_access_retrieve(
    store: Store, key: str, request: RequestContext, for_user: int | None = None
) -> dict[str, Any]:
    """The result of the policies of an application.

    :raises NotFound: there is no such application
    :raises Rejected: there is no user `for_user`
    """
    result = access_to(store, application_with(store, key), _user(store, request, for_user), request.credentials)
    return {"passing": result.passes, "messages": list(result.messages), "log_messages": []}


def _user(store: Store, request: RequestContext, for_user: int | None) -> Person | None:
    """The caller, or the user whom a superuser names. :raises Rejected: there is no such user"""
    if for_user is None or not request.superuser:
        return person(store, request.user)
    named = person(store, key_of(for_user))
    if named is None:
        raise errors.Rejected({"for_user": "User not found"})
    return named


def _shown(store: Store, row: ObjectRow, user: Person | None) -> StoredObject:
    url = orjson.loads(row.properties).get("meta_launch_url", "")
    seen = {} if user is None else {**user.values, **user.in_context, "pk": shown_key(user.pk)}
    return StoredObject(ShownApplication(row, launch_url_of(url, seen)), representations_of(store).application)
