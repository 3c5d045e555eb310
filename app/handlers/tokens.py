"""The operations on tokens: others than superusers see their own only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from app import determinism, errors
from app.domain import RequestContext, StoredObject
from app.representations.objects import representations_of
from app.representations.pages import page_of
from app.store import Store
from app.store.queries.listing import PageRequest, SortKey
from app.store.queries.token_views import TokenRow, seconds_of

Body = Mapping[str, Any]
Filters = Mapping[str, Any]

# Seconds; a setting of authentik's that it takes by default.
_LIFETIME = 30 * 60
_APP_PASSWORD = "app_password"  # noqa: S105  # an intent


class _Key(TypedDict):
    """The body that sets the key of a token."""

    key: str


def core_tokens_list(
    store: Store,
    filters: Filters,
    search: Sequence[str],
    ordering: Sequence[SortKey],
    page: int,
    page_size: int,
    request: RequestContext,
) -> dict[str, Any]:
    """A page of tokens. :raises PageNotFound: there is no such page"""
    found = store.owned_tokens.page(PageRequest(filters, search, ordering, page, page_size), _owner(request))
    represent = representations_of(store).token
    return page_of([StoredObject(row, represent) for row in found.rows], found.count, page, page_size)


def core_tokens_create(store: Store, body: Body, request: RequestContext) -> StoredObject:
    """Create a token. :raises NotUnique: the identifier is taken"""
    user = body["user"] if request.superuser and "user" in body else int(request.user or 0)
    properties = {**body, "user": user, **_expiry(body, body["intent"], given="expires" in body)}
    return _shown(store, store.owned_tokens.add(properties))


def core_tokens_retrieve(store: Store, key: str, request: RequestContext) -> StoredObject:
    """A token. :raises NotFound: there is none, or it is somebody else's"""
    return _shown(store, store.owned_tokens.get(key, _owner(request)))


def core_tokens_update(store: Store, key: str, body: Body, request: RequestContext) -> StoredObject:
    """Store the properties that were sent. :raises NotFound: there is no such token, or it is somebody else's"""
    before = store.owned_tokens.get(key, _owner(request))
    current = {"expiring": before.expiring, **body}
    expiry = _expiry(current, body.get("intent", before.intent), given="expires" in body)
    return _shown(store, store.owned_tokens.change(key, {**body, **expiry}, _owner(request)))


def core_tokens_partial_update(store: Store, key: str, body: Body, request: RequestContext) -> StoredObject:
    """Store the properties that were sent. :raises NotFound: there is no such token, or it is somebody else's"""
    return core_tokens_update(store, key, body, request)


def core_tokens_destroy(store: Store, key: str, request: RequestContext) -> None:
    """Delete a token. :raises NotFound: there is none, or it is somebody else's"""
    store.owned_tokens.remove(key, _owner(request))


def core_tokens_used_by_list(store: Store, key: str, request: RequestContext) -> list[Any]:
    """What is connected with a token: nothing. :raises NotFound: there is none, or it is somebody else's"""
    store.owned_tokens.get(key, _owner(request))
    return []


def core_tokens_set_key_create(store: Store, key: str, body: _Key, request: RequestContext) -> None:
    """Replace what clients send. :raises NotUnique: another token has it"""
    store.owned_tokens.set_secret(key, body["key"], _owner(request))


def core_tokens_view_key_retrieve(store: Store, key: str, request: RequestContext) -> dict[str, str]:
    """Refuse to show what clients send. :raises Refused: always, if there is such a token"""
    store.owned_tokens.get(key, _owner(request))
    raise errors.Rejected(
        {"detail": "The key is stored as a digest only and can't be shown. Set one that you know by set_key."}
    )


def _owner(request: RequestContext) -> str | None:
    """The key of the user whose tokens the caller may see; None for everybody's."""
    return None if request.superuser else request.user


def _shown(store: Store, row: TokenRow) -> StoredObject:
    return StoredObject(row, representations_of(store).token)


def _expiry(properties: Body, intent: str, *, given: bool) -> dict[str, Any]:
    """When a token expires, as authentik has it: an app password within its lifetime, any other one at its end.

    :param properties: its properties
    :param given: whether the client has sent when
    :raises Invalid: the moment is too late, or there is none like it
    """
    last = int(determinism.now()) + _LIFETIME
    if intent != _APP_PASSWORD:
        return {"expires": last}
    if not properties["expiring"]:
        return {"expires": None}
    if not given or properties["expires"] is None:
        return {"expires": last}
    expires = seconds_of(properties["expires"])
    if expires is None or expires > last:
        shown = datetime.fromtimestamp(last, UTC)
        raise errors.Invalid({"expires": [f"Token expires exceeds maximum lifetime ({shown} UTC)."]})
    return {"expires": expires}
