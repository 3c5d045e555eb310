"""Mail servers and senders, as settings and stages name them."""

import re
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_RULE = "give a URL such as smtp://HOST:PORT, or smtps:// or smtp+starttls:// with USER:PASSWORD@"
_SENDER = "give an e-mail address such as login@id.example, or Login <login@id.example>"
# With the underscore that names of containers may have.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_LONGEST_NAME = 253
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

    :raises ValueError: it is not such a URL
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ValueError(_RULE) from error
    host = parts.hostname or ""
    is_complete = is_host(host) and parts.port != 0 and bool(parts.username) is bool(parts.password)
    if not is_complete or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(_RULE)
    return MailServer(
        host,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        starttls=parts.scheme == _STARTTLS,
        tls=parts.scheme == _TLS,
    )


def sender(text: str) -> str:
    """Check the sender of e-mails: an address, or one with a name.

    :raises ValueError: it is not one
    """
    from email.headerregistry import HeaderRegistry  # takes a while, and most servers have the default

    try:
        header: Any = HeaderRegistry()("From", text)
        (address,) = header.addresses
    except (IndexError, ValueError) as error:  # of the parser of addresses
        raise ValueError(_SENDER) from error
    if header.defects or not address.username or not is_host(address.domain):
        raise ValueError(_SENDER)
    return text


def is_host(text: str) -> bool:
    """Whether a text is an IP address, or a name of the form of RFC 1123, section 2.1."""
    try:
        ip_address(text)
    except ValueError:
        pass
    else:
        return True
    try:
        name = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return False
    return len(name) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, name.removesuffix(".").split(".")))
