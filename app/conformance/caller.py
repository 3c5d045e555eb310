"""The objects that the credentials of a run depend on: the caller's user, its groups and its tokens."""

from typing import Any

import httpx

from app.contract.document.contract import Contract


def names_of_caller(origin: str, token: str, contract: Contract) -> frozenset[str]:
    """The values that name the caller's user, groups and tokens in a path.

    :param origin: the URL of the deployment, without the base path
    :param token: the caller's token
    :returns: keys and identifiers as text; none if the contract lacks the operations, or a response is not as it says
    :raises OSError: the deployment does not respond
    """
    paths = {operation.get("operationId"): contract.base_path + path for _, path, _, operation in contract.operations()}
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=origin, headers=headers, timeout=30) as client:
        try:
            user = _get(client, paths.get("core_users_me_retrieve"))["user"]
            tokens = _get(client, paths.get("core_tokens_list"), user__username=user["username"])["results"]
            names = [user["pk"], *(group["pk"] for group in user["groups"]), *(found["identifier"] for found in tokens)]
        except (ValueError, KeyError, TypeError):
            # The run itself reports a response that violates the contract.
            return frozenset()
    return frozenset(map(str, names))


def _get(client: httpx.Client, path: str | None, **query: str) -> dict[str, Any]:
    """The object that a path has; an empty one if there is no such path or the request is rejected."""
    if path is None:
        return {}
    try:
        response = client.get(path, params=query)
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
    found: dict[str, Any] = response.json() if response.status_code == httpx.codes.OK else {}
    return found
