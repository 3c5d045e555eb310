"""A client of the API."""

from typing import Literal, TypedDict

import httpx


class Mail(TypedDict):
    """An e-mail that the server has kept; `link` is the link that continues the flow."""

    created: str
    name: str
    address: str
    subject: str
    state: Literal["kept", "queued", "sending", "failed"]
    reason: str
    link: str
    plain: str
    html: str


class Flows(httpx.Client):
    """An `httpx.Client` of the API with a superuser's token. URLs are relative to the API: `flows.get("flows/instances/")`.

    :param url: of the API
    :param token: a valid token
    """

    def __init__(self, url: str, token: str) -> None:
        super().__init__(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            # No proxy: the server is usually on this machine.
            trust_env=False,
            # Certificates take long to load, and only https: needs them.
            verify=httpx.URL(url).scheme != "http",
        )
        self.token = token

    @property
    def url(self) -> str:
        """The URL of the API, for other clients."""
        return str(self.base_url)

    def outbox(self) -> list[Mail]:
        """The e-mails that the server has kept, the newest first."""
        mails: list[Mail] = self.get(self.base_url.join("/outbox.json")).raise_for_status().json()
        return mails
