"""Authentication: from the `Authorization` header to the permissions of the caller.

authentik responds to missing and invalid credentials with 403, never 401; the messages are recorded (`auth.header.*`).
"""

from collections.abc import Callable
from typing import Any, Protocol

from app.contract.connexion import AbstractSecurityHandler
from app.exchanges import Credentials, SessionExpired, Unauthenticated

NOT_PROVIDED = "Authentication credentials were not provided."
UNSUPPORTED_SCHEME = "Unsupported authentication type"
INVALID_TOKEN = "Token invalid/expired"  # noqa: S105  # a message
PERMISSION_DENIED = "You do not have permission to perform this action."


class Access(Protocol):
    """The access rights of a caller."""

    @property
    def name(self) -> str:
        """The name of the caller in the log."""

    @property
    def superuser(self) -> bool:
        """Whether the caller has every permission."""

    @property
    def permissions(self) -> frozenset[str]:
        """The permissions of the caller."""

    @property
    def user(self) -> str:
        """The key of the caller's user, empty if there is none."""

    @property
    def expires(self) -> int:
        """When the access ends, in seconds since 1970-01-01 UTC; 0 for never."""

    @property
    def session(self) -> Any:
        """The session, None if a token was sent."""


FindAccess = Callable[[str], Access | None]
"""From a bearer token to the access of its owner; None if the token is not valid."""

FindSession = Callable[[Credentials], Access | None]
"""From the cookies of a request to the access of the session's user; None if there is none. Raises `SessionExpired`, and
`Unauthenticated` for a forged request."""


class Forbidden(Unauthenticated):
    """The caller may not send this request. The message is that of the 403."""


class Missing(Forbidden):
    """The request has no credentials."""


def allows(access: Access | None, permissions: frozenset[str]) -> bool:
    """Whether an access includes all of the permissions."""
    return not permissions or (access is not None and (access.superuser or permissions <= access.permissions))


class BearerSecurityHandler(AbstractSecurityHandler):
    """Connexion's extension point for `type: http, scheme: bearer`.

    Connexion's own handler reads the header by other rules than authentik and responds 401. The function of this one takes the
    credentials of a request, and returns the caller's access: that of the token, or else that of the session.

    :param find_access: looks up a token
    :param find_session: looks up the session of a request without a token
    """

    def __init__(self, find_access: FindAccess, find_session: FindSession = lambda _credentials: None) -> None:
        self._find_access = find_access
        self._find_session = find_session

    def get_fn(
        self,
        security_scheme: dict[str, Any],  # noqa: ARG002  # Connexion's interface
        required_scopes: list[str],  # noqa: ARG002  # Connexion's interface
    ) -> Callable[[Credentials], Access]:
        """The function that verifies credentials. :raises Unauthenticated: they are missing or not valid"""
        find_access, find_session = self._find_access, self._find_session

        def verify(credentials: Credentials) -> Access:
            scheme, _, token = (credentials.authorization or "").strip(" ").partition(" ")
            if not token:
                try:
                    access = None if credentials.cookies is None else find_session(credentials)
                except SessionExpired as error:
                    raise Missing(NOT_PROVIDED, error.headers) from error
                if access is None:
                    raise Missing(NOT_PROVIDED)
                return access
            if scheme.lower() != "bearer":
                raise Forbidden(UNSUPPORTED_SCHEME)
            access = find_access(token)
            if access is None:
                raise Forbidden(INVALID_TOKEN)
            return access

        return verify
