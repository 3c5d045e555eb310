"""Where a flow leads to: to its own next stage, and at its end."""

import re
from urllib.parse import parse_qsl, urlencode

# Browsers take a backslash for a slash, and ignore control characters.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")


def as_encoded(query: str) -> str:
    """A query in the encoding of this server, with the last value of each parameter."""
    return urlencode(dict(parse_qsl(query, keep_blank_values=True)))


def is_own(url: str) -> bool:
    """Whether a URL is a path of this host. Unlike in authentik a browser can't take it for one of another host."""
    return _OWN_PATH.fullmatch(url) is not None
