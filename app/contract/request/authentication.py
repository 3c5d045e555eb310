"""Who sends a request: from the `Authorization` header to what the caller may do.

authentik answers missing and wrong credentials with 403, never 401; the messages are recorded (`auth.header.*`).
"""

from collections.abc import Callable
from typing import Any, Protocol

from app.contract.connexion import AbstractSecurityHandler

NOT_PROVIDED = "Authentication credentials were not provided."
UNSUPPORTED_SCHEME = "Unsupported authentication type"
INVALID_TOKEN = "Token invalid/expired"  # noqa: S105  # a sentence
PERMISSION_DENIED = "You do not have permission to perform this action."


class Access(Protocol):
    """What the sender of a request may do."""

    @property
    def name(self) -> str:
        """What the log calls the sender."""

    @property
    def superuser(self) -> bool:
        """Whether every permission is given."""

    @property
    def permissions(self) -> frozenset[str]:
        """The permissions that are given."""

    @property
    def user(self) -> str:
        """The key of the sender's user, empty if there is none."""


FindAccess = Callable[[str], Access | None]
"""From a bearer token to what its owner may do; None if the token is not valid."""


class Forbidden(Exception):
    """The request is refused for who sends it. The message is the message of the 403."""


def allows(access: Access | None, permissions: frozenset[str]) -> bool:
    """Whether an access has all of the permissions."""
    return not permissions or (access is not None and (access.superuser or permissions <= access.permissions))


class BearerSecurityHandler(AbstractSecurityHandler):
    """Connexion's extension point for `type: http, scheme: bearer`.

    Connexion's own handler reads the header by other rules than authentik and responses 401. This one's function takes the
    value of the header, None if there is none, and returns the sender's access.

    :param find_access: looks a token up
    """

    def __init__(self, find_access: FindAccess) -> None:
        self._find_access = find_access

    def get_fn(
        self,
        security_scheme: dict[str, Any],  # noqa: ARG002  # Connexion's interface
        required_scopes: list[str],  # noqa: ARG002  # Connexion's interface
    ) -> Callable[[str | None], Access]:
        """The function that verifies a header. :raises Forbidden: the header is missing or not valid"""
        find_access = self._find_access

        def verify(authorization: str | None) -> Access:
            scheme, _, token = (authorization or "").strip(" ").partition(" ")
            if not token:
                raise Forbidden(NOT_PROVIDED)
            if scheme.lower() != "bearer":
                raise Forbidden(UNSUPPORTED_SCHEME)
            access = find_access(token)
            if access is None:
                raise Forbidden(INVALID_TOKEN)
            return access

        return verify
