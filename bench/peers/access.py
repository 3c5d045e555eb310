"""Who may do what, the same for every peer: the project's own tokens, remembered for a second."""

from collections.abc import Set

from app.store.collections.tokens import Token, Tokens
from app.store.engine.database import Database

# Seconds that a token is remembered.
_REMEMBERED = 1.0


class Access:
    """The tokens of a database.

    :param database: where they are
    """

    def __init__(self, database: Database) -> None:
        self._tokens = Tokens(database, _REMEMBERED)

    def find(self, secret: str) -> Token | None:
        """The valid token of a secret, None if there is none."""
        return self._tokens.find(secret)

    def bearer(self, authorization: str | None) -> Token | None:
        """The valid token of an `Authorization` header, None if there is none."""
        scheme, _, secret = (authorization or "").partition(" ")
        return self.find(secret) if secret and scheme.lower() == "bearer" else None

    def allows(self, authorization: str | None, permissions: Set[str]) -> bool:
        """Whether an `Authorization` header gives all of the permissions."""
        token = self.bearer(authorization)
        return token is not None and permits(token, permissions)


def permits(token: Token, permissions: Set[str]) -> bool:
    """Whether a token gives all of the permissions."""
    return token.superuser or permissions <= token.permissions
