"""Check that a token can be sent."""

from app.settings import TOKEN_RULE, is_token


class RejectedToken(Exception):
    """A token can't be sent, or the deployment rejects it. The message says which one, and why, but not the token."""


def check_sendable(token: str, source: str) -> None:
    """Check that a header can have a token.

    :param source: the option that gave it, such as `--token`
    :raises RejectedToken: it is empty, or has characters that no token has
    """
    if not token.strip():
        raise RejectedToken(f"The token of {source} is empty: is the variable set?")
    if not is_token(token):
        raise RejectedToken(f"The token of {source} can't be sent: {TOKEN_RULE}.")
