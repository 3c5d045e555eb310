"""The initial states of recorded scenarios."""

import secrets
from pathlib import Path
from typing import Any

import orjson

from app.conformance.raw_http import RawClient, RawResponse
from app.conformance.replay import API, FLOWS, SetupError

# The collections whose objects are all deleted, and those of which objects are kept that were there before; each with the property
# that identifies an object in a path.
_EMPTIED = (
    (FLOWS, "slug"),
    (f"{API}/stages/all/", "pk"),
    (f"{API}/policies/all/", "pk"),
    (f"{API}/stages/prompt/prompts/", "pk"),
    (f"{API}/stages/invitation/invitations/", "pk"),
    (f"{API}/core/applications/", "slug"),
)
_KEPT = ((f"{API}/core/tokens/", "identifier"), (f"{API}/core/users/", "pk"), (f"{API}/core/groups/", "pk"))

# The administrator of the recording. Only the tests of a deployment know this password.
_ADMIN, _EMAIL, _PASSWORD = "akadmin", "admin@example.com", "oracle-admin-pw"
_BASE_OF_A_NEW_SERVER = "default"


class BaseStates:
    """Puts a deployment into the state that a scenario begins with.

    :param wire: the deployment
    :param token: a superuser's token
    :param blueprint: the blueprint of the flows of a new server
    :raises SetupError: the existing objects can't be listed
    """

    def __init__(self, wire: RawClient, token: str, blueprint: Path) -> None:
        self._wire = wire
        self._headers = [("Authorization", f"Bearer {token}")]
        self._blueprint = blueprint
        self._before = {path: set(self._keys(path, name)) for path, name in _KEPT}

    def put_back(self, base: str) -> None:
        """Delete all flows, and the objects of scenarios. :param base: of the scenario :raises SetupError: it fails"""
        for path, name in (*_EMPTIED, *_KEPT):
            for key in self._keys(path, name):
                if key not in self._before.get(path, ()):
                    self._done(f"DELETE {path}{key}/")
        found = self._keys(f"{API}/core/users/", "pk", f"username={_ADMIN}")
        if not found:
            raise SetupError(f"The deployment has no user {_ADMIN}.")
        admin = found[0]
        self._done(f"PATCH {API}/core/users/{admin}/", {"email": _EMAIL})
        self._done(f"POST {API}/core/users/{admin}/set_password/", {"password": _PASSWORD})
        if base == _BASE_OF_A_NEW_SERVER:
            self._import()

    def _keys(self, path: str, name: str, query: str = "") -> list[Any]:
        found = self._done(f"GET {path}?page_size=100000&superuser_full_list=true&{query}")
        return [one[name] for one in found.json()["results"]]

    def _import(self) -> None:
        boundary = secrets.token_hex(16)
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="default.yaml"\r\n\r\n'
        body = part.encode() + self._blueprint.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        media_type = f"multipart/form-data; boundary={boundary}"
        found = self._sent(f"POST {FLOWS}import/", media_type, body).json()
        if not found["success"]:
            raise SetupError(f"The flows of a new server can't be imported: {found['logs']}")

    def _done(self, request: str, body: Any = None) -> RawResponse:
        return self._sent(request, "application/json", None if body is None else orjson.dumps(body))

    def _sent(self, request: str, media_type: str, body: bytes | None) -> RawResponse:
        """Send a request. :raises SetupError: it fails, but not because the object is already gone"""
        method, _, path = request.partition(" ")
        response = self._wire.send(method, path, [*self._headers, ("Content-Type", media_type)], body)
        if response.status >= 300 and (method, response.status) != ("DELETE", 404):
            raise SetupError(f"{request} was answered {response.status}: {response.body[:200]!r}")
        return response
