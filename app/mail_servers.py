"""Mail servers, as settings and stages name them."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_RULE = "give a URL such as smtp://HOST:PORT, or smtps:// or smtp+starttls:// with USER:PASSWORD@"
_STARTTLS, _TLS = "smtp+starttls", "smtps"
_PORTS = {"smtp": 25, _STARTTLS: 587, _TLS: 465}


class MailServer(NamedTuple):
    """A mail server.

    :param username: empty for none
    :param starttls: whether the connection is encrypted by STARTTLS
    :param tls: whether it is encrypted from its start
    :param timeout: seconds to wait for an answer of the server
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    timeout: float = 10.0


def mail_server(url: str) -> MailServer:
    """The mail server of a URL such as `smtp+starttls://user:password@mail.example:587`.

    :raises ValueError: it is no such URL
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ValueError(_RULE) from error
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(_RULE)
    return MailServer(
        parts.hostname,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        starttls=parts.scheme == _STARTTLS,
        tls=parts.scheme == _TLS,
    )
