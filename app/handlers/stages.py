"""The operations on stages beyond those of every kind."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypedDict

from app import errors
from app.domain import RequestContext, SortKey
from app.execution import of_later_versions
from app.executor.mail.invitations import invite
from app.representations.objects import representations_of
from app.store import Store
from app.store.queries.listing import PageRequest
from app.store.queries.people import USERS

# More stages than anyone has.
_ALL = 1_000_000


class _Device(TypedDict):
    """A body with the user of a device."""

    username: str


def stages_all_user_settings_list(store: Store) -> list[dict[str, Any]]:
    """The stages that users find in their settings, kind by kind (recorded: `user_settings.all`)."""
    found = []
    for model in store.models.values():
        if (settings := model.user_settings) is None:
            continue
        request = PageRequest({}, (), (SortKey("name"),), 1, _ALL)
        for row in store.objects.page(model.name, request).rows:
            stage = representations_of(store).object(row)
            if settings.only_with and stage[settings.only_with] is None:
                continue
            title = stage.get("friendly_name") or model.verbose_name
            setting = {"object_uid": row.pk, "component": settings.component, "title": title}
            if stage.get("configure_flow") is not None:
                setting["configure_url"] = f"/flows/-/configure/{row.pk}/"
            found.append(setting)
    return found


def stages_authenticator_duo_enrollment_status_create(store: Store, key: str) -> NoReturn:
    """Reject the request, as Duo is not reached. :raises NotFound: there is no such stage :raises Invalid: always"""
    _without_duo(store, key)


def stages_authenticator_duo_import_device_manual_create(store: Store, key: str, body: _Device) -> NoReturn:
    """Reject the request, as Duo is not reached. :raises NotFound: there is no such stage :raises Invalid: always"""
    _stage(store, key)
    named = PageRequest({"username": body["username"]}, (), (), 1, 1)
    if not store.objects.page(USERS, named).count:
        raise errors.Invalid({"non_field_errors": ["User does not exist."]})
    _without_duo(store, key)


def stages_authenticator_duo_import_devices_automatic_create(store: Store, key: str) -> NoReturn:
    """Reject the request, as Duo is not reached. :raises NotFound: there is no such stage :raises Invalid: always"""
    _without_duo(store, key)


@of_later_versions
def stages_invitation_invitations_send_email_create(
    store: Store, key: str, body: Mapping[str, Any], request: RequestContext
) -> None:
    """Send an invitation by e-mail. :raises NotFound: there is no such invitation :raises Invalid: it is for no flow"""
    addresses = [*body["email_addresses"], *body.get("cc_addresses", ()), *body.get("bcc_addresses", ())]
    invite(store, request.credentials.postman, key, addresses, request.base_url)


def _stage(store: Store, key: str) -> None:
    """:raises NotFound: there is no such stage of Duo"""
    if not store.objects.get("stages", key).model.startswith("authentik_stages_authenticator_duo."):
        raise errors.NotFound


def _without_duo(store: Store, key: str) -> NoReturn:
    _stage(store, key)
    raise errors.Invalid({"non_field_errors": ["This server does not reach Duo."]})
