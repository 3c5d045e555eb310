"""Check that a token can be sent."""

from app.settings import TOKEN_RULE, is_token


class RejectedToken(Exception):
    """A token that can't be sent, or that the deployment rejects. The message gives its source and the reason, not the token."""


def check_sendable(token: str, source: str) -> None:
    """Check that a header can contain a token.

    :param source: the option of the token, such as `--token`
    :raises RejectedToken: it is empty, or has invalid characters
    """
    if not token.strip():
        raise RejectedToken(f"The token of {source} is empty: is the variable set?")
    if not is_token(token):
        raise RejectedToken(f"The token of {source} can't be sent: {TOKEN_RULE}.")
