"""Users as expressions see them."""

from typing import Any

from app.executor.people import Person


def described(user: Person) -> dict[str, Any]:
    """The properties of a user as JSON, with the groups and those above them; `key` identifies the user in the store."""
    if not user.pk:  # a placeholder (recorded: `prompt.expression_pending_user`)
        made_up: dict[str, Any] = {"pk": None, "email": user.username, "name": "", "is_active": True, "attributes": {}}
        return {**made_up, "key": "", "username": user.username, "is_superuser": False, "groups": [], "all_groups": []}
    return {
        "attributes": {},
        "email": "",
        **user.values,
        "key": user.pk,
        "pk": int(user.pk),
        "username": user.username,
        "is_active": user.is_active,
        "is_superuser": user.is_superuser,
        "uid": user.uid,
        "groups": list(user.groups),
        "all_groups": list(user.all_groups),
    }
