"""A client of the API."""

import httpx


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
