"""E-mails with the links of invitations."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from app import errors
from app.exchanges import Postman
from app.executor.mail.rendering import rendered
from app.store import Store
from app.store.collections.mails import QUEUED

# All names of templates that the contract admits are names of this one.
_TEMPLATE = "email/invitation.html"
_NO_FLOW = "Invitation has no associated flow"


def invite(store: Store, postman: Postman, invitation: str, addresses: Iterable[str], url: str) -> None:
    """Send an invitation to each address.

    :param invitation: its key
    :param url: of the server as the client sees it, without a slash at the end
    :raises NotFound: there is no such invitation
    :raises Invalid: it is for no particular flow
    """
    row = store.objects.get("invitations", invitation)
    values = store.values(row)
    slug = store.runnable_flows.slug_of(values["flow"]) if values["flow"] is not None else None
    if slug is None:
        raise errors.Invalid({"non_field_errors": [_NO_FLOW]})
    server = postman.url or url
    subject = f"You have been invited to {urlsplit(server).netloc}"
    link = f"{server}/if/flow/{slug}/?itoken={row.pk}"
    expires = values["expires"]
    until = f"{datetime.fromisoformat(expires):%Y-%m-%d %H:%M} UTC" if expires is not None else ""
    text = rendered(_TEMPLATE, subject, None, link, until)
    state = postman.state_of(use_global_settings=True)
    for address in dict.fromkeys(addresses):
        store.mails.add("", "", address, subject, text, state)
    if state == QUEUED:
        postman.wake()
