"""Results of a request to a flow: a challenge, or a redirect."""

from typing import Any, NamedTuple


class Redirect(NamedTuple):
    """A redirect of the client. :param url: path and query"""

    url: str


Step = dict[str, Any] | Redirect
"""A challenge, or a redirect."""
