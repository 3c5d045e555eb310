"""Signed texts of cookies: JSON Web Tokens (RFC 7519). Their package is imported on first use, as it slows down a start."""

from collections.abc import Mapping, Sequence
from typing import Any

_ALGORITHM = "HS256"


def sign(claims: Mapping[str, Any], secret: str) -> str:
    """The signed text of claims."""
    import jwt

    return jwt.encode(dict(claims), secret, algorithm=_ALGORITHM)


def verified(text: str, secret: str, *, issuer: str | None = None, require: Sequence[str] = ()) -> Mapping[str, Any]:
    """The claims of a signed text, whether it has expired or not; empty if it is not valid.

    :param issuer: the expected issuer, None for any
    :param require: the claims that it must have
    """
    import jwt

    options: Any = {"verify_exp": False, "require": [*require]}
    try:
        claims: dict[str, Any] = jwt.decode(text, secret, algorithms=[_ALGORITHM], issuer=issuer, options=options)
    except jwt.InvalidTokenError:
        return {}
    return claims
