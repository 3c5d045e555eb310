"""Generated properties of users and groups."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import orjson

_NONE: Mapping[str, Any] = {}


def user_properties(properties: str, related: str) -> dict[str, Any]:
    """The generated properties of a user.

    :param properties: the stored properties, as JSON
    :param related: the groups with their parents, as JSON
    """
    values = _loaded(properties)
    groups = []
    superuser = False
    for pk, group, properties, parent, parent_name, parent_properties in orjson.loads(related):
        own, above = _loaded(properties), _loaded(parent_properties)
        superuser = superuser or bool(own.get("is_superuser") or above.get("is_superuser"))
        groups.append(
            {
                "pk": pk,
                "num_pk": number_of(pk),
                "name": group,
                "is_superuser": own.get("is_superuser", False),
                "parent": parent,
                "parent_name": parent_name,
                "attributes": own.get("attributes", {}),
            }
        )
    return {
        "is_superuser": superuser,
        "groups": [group["pk"] for group in groups],
        "groups_obj": groups,
        "avatar": avatar(values.get("name", "")),
        "uid": uid_of(values.get("uuid", "")),
    }


def group_properties(pk: str, related: str) -> dict[str, Any]:
    """The generated properties of a group.

    :param related: the users in it and its parent, as JSON
    """
    users = []
    parent = None
    for relation, other, name, properties in orjson.loads(related):
        own = _loaded(properties)
        if relation == "parent":
            parent = name
            continue
        users.append(_member(other, name, own))
    return {
        "num_pk": number_of(pk),
        "parent_name": parent,
        "users": [user["pk"] for user in users],
        "users_obj": users,
        "roles_obj": [],
    }


def member(pk: str, username: str, properties: str) -> dict[str, Any]:
    """A user as others show it.

    :param properties: the stored properties, as JSON
    """
    return _member(pk, username, _loaded(properties))


def _member(pk: str, username: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pk": int(pk),
        "username": username,
        "name": properties["name"],
        "is_active": properties.get("is_active", True),
        "last_login": properties.get("last_login"),
        "email": properties.get("email", ""),
        "attributes": properties.get("attributes", {}),
        "uid": uid_of(properties["uuid"]),
    }


def number_of(uuid: str) -> int:
    """A positive 32-bit integer derived from the last, random bits of a UUID, for clients that need integers."""
    return int(uuid[-8:], 16) >> 1


def uid_of(uuid: str) -> str:
    """A public identifier of a user: a hash that does not reveal the user. :param uuid: of the user"""
    return hashlib.sha256(uuid.encode()).hexdigest()


def avatar(name: str) -> str:
    """An image with the initials of a name, as a self-contained data URL."""
    initials = escape("".join(_initials(name)))
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#475467"/>'
        f'<text x="32" y="41" font-size="26" font-family="sans-serif" text-anchor="middle" fill="#fff">{initials}</text></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _initials(name: str) -> Iterable[str]:
    words = [word for word in name.split() if word[0].isalnum()]
    return (word[0].upper() for word in (words[:1] + words[1:][-1:]))


def _loaded(properties: str | None) -> Mapping[str, Any]:
    """The stored properties of an object; empty if there is no object."""
    return _NONE if properties is None else orjson.loads(properties)
