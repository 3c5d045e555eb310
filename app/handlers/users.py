"""The operations on users beyond those of every model."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from app import determinism, passwords
from app.domain import RequestContext, SortKey, StoredObject
from app.exchanges import Reply
from app.execution import long_running
from app.handlers._people import page_of_people
from app.representations.objects import representations_of
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.queries.people import USERS
from app.store.queries.references import key_of

Filters = Mapping[str, Any]

# 360 days, in seconds.
_SERVICE_TOKEN_LIFETIME = 360 * 86400


class _Password(TypedDict):
    """A body with a password."""

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
    request = PageRequest(filters, search, ordering, page, page_size)
    return page_of_people(store, USERS, request, related=include_groups)


def core_users_me_retrieve(store: Store, request: RequestContext) -> Reply:
    """The user of the token or the session. :raises NotFound: the token has none"""
    user = representations_of(store).object(store.objects.get(USERS, request.user))
    groups = [{"name": group["name"], "pk": group["pk"]} for group in user["groups_obj"]]
    settings = user["attributes"].get("settings")
    found = {
        "user": {
            **{name: user[name] for name in ("pk", "username", "name", "is_active", "is_superuser")},
            "groups": groups,
            **{name: user[name] for name in ("email", "avatar", "uid")},
            "settings": settings if isinstance(settings, dict) else {},
            "type": user["type"],
            "system_permissions": [],
        }
    }
    return Reply(found, headers=request.session() if request.session is not None else ())


def core_users_service_account_create(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    """Create a user, a token and optionally a group with the same name. :raises NotUnique: it is taken"""
    name, expiring = body["name"], body.get("expiring", True)
    last = int(determinism.now()) + _SERVICE_TOKEN_LIFETIME
    made = store.service_accounts.add(
        {
            "username": name,
            "name": name,
            "type": "service_account",
            "attributes": {"goauthentik.io/user/token-expires": expiring},
            "path": "goauthentik.io/service-accounts",
        },
        {
            "identifier": f"service-account-{name}-password",
            "intent": "app_password",
            "description": "",
            "expires": (body.get("expires") or last) if expiring else None,
            "expiring": expiring,
        },
        group={"name": name} if body.get("create_group") else None,
    )
    user = representations_of(store).object(made.user)
    found = {"username": name, "user_uid": user["uid"], "user_pk": user["pk"], "token": made.secret}
    return found if made.group is None else {**found, "group_pk": made.group}


def core_users_update(store: Store, key: int, body: Mapping[str, Any]) -> StoredObject:
    """Update the given properties, and end the sessions of a user who may no longer log in.

    :raises NotFound: there is no such user
    :raises NotUnique: the username is taken
    :raises DanglingReference: a group does not exist
    """
    row = store.resources[USERS].change(key, body)
    representations = representations_of(store)
    if not representations.object(row)["is_active"]:
        store.sessions.remove_others(key_of(key))
    return StoredObject(row, representations.object)


core_users_partial_update = core_users_update


@long_running
def core_users_set_password_create(store: Store, key: int, body: _Password) -> None:
    """Set the password of a user. :raises NotFound: there is no such user"""
    # Hashing takes a while: check first that the user exists, and hash outside of the transaction.
    store.objects.get(USERS, key)
    store.passwords.set(key, passwords.hashed(body["password"]))
    store.sessions.remove_others(key_of(key))


def core_users_paths_retrieve(store: Store, search: Sequence[str]) -> dict[str, list[str]]:
    """The paths of matching users."""
    return {"paths": store.objects.values(USERS, "path", search)}
