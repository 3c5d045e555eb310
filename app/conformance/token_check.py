"""Check that a deployment accepts a token, before a long run depends on it."""

import secrets

import httpx

from app.conformance.credentials import RejectedToken, check_sendable


def check_token(url: str, token: str, source: str) -> None:
    """Compare the response to a token with the response to an invalid one.

    A valid token without permissions gets another message than an invalid one, so that equal responses mean an invalid token, with
    any wording of the deployment.

    :param url: of an operation that requires credentials
    :param token: the token to check
    :param source: the option of the token, such as `--token`
    :raises RejectedToken: it can't be sent, or the deployment rejects it
    :raises OSError: the deployment does not respond
    """
    check_sendable(token, source)
    response = _get(url, token)
    if response.status_code not in (401, 403):
        return
    invalid = _get(url, secrets.token_urlsafe())
    if (response.status_code, response.text) == (invalid.status_code, invalid.text):
        raise RejectedToken(
            f"The deployment rejects the token of {source}: {response.status_code} {response.text[:200]}"
        )


def _get(url: str, token: str) -> httpx.Response:
    try:
        return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
