"""Delivery of an e-mail to a mail server by SMTP (RFC 5321)."""

import smtplib
import ssl
import threading
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid

from app.mail_servers import MailServer

# The beginning of an encoded word (RFC 2047), which may stand for a line break.
_ENCODED_WORD = "=?"
_NO_ADDRESS = "The address has an encoded word."
# The time limit of a delivery, as a multiple of the time limit of one response.
_ANSWERS = 6


def message_of(sender: str, name: str, address: str, subject: str, plain: str, html: str) -> EmailMessage:
    """Make a message.

    :param sender: the address of the sender
    :param name: the name of the recipient
    :raises ValueError: an address is invalid
    """
    if _ENCODED_WORD in sender + address:
        raise ValueError(_NO_ADDRESS)
    message = EmailMessage()
    message["Subject"], message["From"] = _in_one_line(subject), sender
    domain = next((one.domain for one in message["From"].addresses), "")
    message["Date"], message["Message-ID"] = datetime.now(UTC), make_msgid(domain=domain or "localhost")
    message["To"] = Address(_in_one_line(name), addr_spec=address)
    message.set_content(plain)
    message.add_alternative(html, subtype="html")
    return message


def _in_one_line(text: str) -> str:
    """Text for a header. What looks like an encoded word is taken apart: `EmailMessage` decodes it, line breaks included."""
    return " ".join(text.split()).replace(_ENCODED_WORD, "= ?")


def deliver(server: MailServer, message: EmailMessage) -> None:
    """Deliver a message. :raises OSError: the server does not take it, or not in time"""
    secure = ssl.create_default_context() if server.tls or server.starttls else None
    if server.tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=secure)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
    # A server may send an answer byte by byte.
    end = threading.Timer(_ANSWERS * server.timeout, client.close)
    end.daemon = True
    end.start()
    try:
        with client:
            if server.starttls:
                client.starttls(context=secure)
            if server.username:
                client.login(server.username, server.password)
            client.send_message(message)
    finally:
        end.cancel()
