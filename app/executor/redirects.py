"""Redirects of flows: to the next stage, and at the end."""

import re
from urllib.parse import parse_qsl, urlencode

# Browsers take a backslash for a slash, and ignore control characters.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")


def as_encoded(query: str) -> str:
    """A query in the encoding of this server, with the last value of each parameter."""
    return urlencode(dict(parse_qsl(query, keep_blank_values=True)))


def is_own(url: str) -> bool:
    """Whether a URL is a path of this host as browsers parse it. authentik admits some that they parse as URLs of other hosts."""
    return _OWN_PATH.fullmatch(url) is not None
