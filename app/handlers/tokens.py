"""The operations on tokens beyond those of every collection."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

from app import determinism, errors
from app.domain import RequestContext, StoredObject
from app.handlers._owned import own_only
from app.representations.objects import representations_of
from app.store import Store
from app.store.queries.moments import seconds_of
from app.store.queries.token_views import TokenRow

Body = Mapping[str, Any]

# In seconds; a default of authentik's.
_LIFETIME = 30 * 60
# The properties that determine when a token expires.
_LIFE = frozenset({"expires", "expiring", "intent"})
_APP_PASSWORD = "app_password"  # noqa: S105  # an intent


class _Key(TypedDict):
    """A body with the key of a token."""

    key: str


def core_tokens_create(store: Store, body: Body, request: RequestContext) -> StoredObject:
    """Create a token. :raises NotUnique: the identifier is taken"""
    user = body["user"] if request.superuser and "user" in body else int(request.user or 0)
    properties = {**body, "user": user, **_expiry(body, body["intent"], _limit(request))}
    return _shown(store, store.owned_tokens.add(properties))


def core_tokens_update(store: Store, key: str, body: Body, request: RequestContext) -> StoredObject:
    """Update the given properties. :raises NotFound: there is no such token, or another user owns it"""
    before = store.owned_tokens.get(key, own_only(request))
    changes = dict(body)
    if not body.keys().isdisjoint(_LIFE):
        current = {"expiring": bool(before.expiring), **body}
        changes |= _expiry(current, body.get("intent", before.intent), _limit(request, before))
    return _shown(store, store.owned_tokens.change(key, changes, own_only(request)))


core_tokens_partial_update = core_tokens_update


def core_tokens_set_key_create(store: Store, key: str, body: _Key, request: RequestContext) -> None:
    """Replace the key of a token. :raises NotUnique: another token has it"""
    store.owned_tokens.set_secret(key, body["key"], own_only(request))


def core_tokens_view_key_retrieve(store: Store, key: str, request: RequestContext) -> dict[str, str]:
    """Reject the request for the key of a token. :raises Rejected: always, if there is such a token"""
    store.owned_tokens.get(key, own_only(request))
    raise errors.Rejected(
        {"detail": "The key is stored as a digest only and can't be shown. Set one that you know by set_key."}
    )


def _shown(store: Store, row: TokenRow) -> StoredObject:
    return StoredObject(row, representations_of(store).token)


def _limit(request: RequestContext, before: TokenRow | None = None) -> int:
    """The latest expiry time that the caller may set, in seconds since 1970-01-01 UTC; 0 for no limit of the caller's.

    :param before: the token before the change, which only superusers may extend
    """
    if request.superuser:
        return 0
    current = before.expires if before is not None and before.expiring else 0
    return min(filter(None, (request.expires, current)), default=0)


def _expiry(properties: Body, intent: str, limit: int) -> dict[str, Any]:
    """The expiry time of a token, as in authentik: an app password expires within its lifetime, any other one at its end.

    :param properties: its properties
    :param limit: the latest time for this caller, see `_limit`
    :raises Invalid: the time is too late, or invalid
    """
    longest = int(determinism.now()) + _LIFETIME
    last = min(longest, limit or longest)
    expiring = properties["expiring"]
    if limit and not expiring:
        raise errors.Invalid({"expiring": ["Only a superuser may extend the lifetime of a token."]})
    if intent != _APP_PASSWORD:
        return {"expires": last, "expiring": expiring}
    if not expiring:
        return {"expires": None, "expiring": False}
    if properties.get("expires") is None:
        return {"expires": last, "expiring": True}
    expires = seconds_of(properties["expires"])
    if expires is None or expires > last:
        shown = datetime.fromtimestamp(last, UTC)
        raise errors.Invalid({"expires": [f"Token expires exceeds maximum lifetime ({shown} UTC)."]})
    return {"expires": expires, "expiring": True}
