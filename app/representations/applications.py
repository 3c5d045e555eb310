"""Generated properties of applications."""

import re
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from app.store.queries.object_views import ObjectRow

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class ShownApplication(NamedTuple):
    """An application as a user sees it.

    :param row: the stored application
    :param launch_url: the URL for the user, None for none
    """

    row: ObjectRow
    launch_url: str | None


def application_properties(values: Mapping[str, Any], written: Container[str]) -> dict[str, Any]:
    """The generated properties of an application.

    :param values: its stored properties
    :param written: the names of those that clients write. A version in which clients do not write the icon shows its URL instead
    """
    icon = values.get("meta_icon") or None
    return {
        "pbm_uuid": values["pk"],
        "provider_obj": None,
        "backchannel_providers_obj": [],
        "launch_url": values.get("meta_launch_url") or None,
        "meta_icon_url": icon,
        **({} if "meta_icon" in written else {"meta_icon": icon}),
    }


def launch_url_of(url: str, user: Mapping[str, Any]) -> str | None:
    """The URL of an application for a user, None for none.

    :param url: with placeholders such as `%(username)s`
    :param user: the properties of the user. A URL that names others is returned unchanged
    """
    names = set(_PLACEHOLDER.findall(url))
    if not names <= user.keys():
        return url
    return _PLACEHOLDER.sub(lambda match: str(user[match[1]]), url) or None
