"""The thread that sends the e-mails of stages and invitations.

An e-mail is stored in the transaction of its request, so that a request that fails sends none. Servers that share a store
share its e-mails: each is sent by one server.
"""

import threading
from collections.abc import Mapping
from typing import Any

import structlog

from app import errors
from app.mail_servers import MailServer
from app.store import Store
from app.store.collections.mails import KEPT, QUEUED, Mail

log = structlog.get_logger("flows.mail")

# The seconds between looking for e-mails: the transaction of a request may not be committed yet.
_PAUSES = (*([0.1] * 20), *([1.0] * 30))
# Limits in seconds: for a response of a mail server, whatever the stage sets, and for a delivery when this server stops.
_LONGEST, _PATIENCE = 30, 5
_GONE = "The stage has been deleted."
_NO_SERVER = "This server has no mail server (FLOWS_SMTP_URL)."


class Postman:
    """Sends e-mails, or keeps them.

    :param store: the store of the e-mails
    :param server: the mail server of the settings; None without one
    :param sender: the sender's address of the settings
    :param url: by which users reach the server; empty for that of each request
    :param keeps: whether all e-mails are kept
    """

    def __init__(self, store: Store, server: MailServer | None, sender: str, url: str, *, keeps: bool) -> None:
        self.url = url
        self._store = store
        self._server = server
        self._sender = sender
        self._keeps = keeps
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._ends = threading.Event()

    def state_of(self, *, use_global_settings: bool) -> str:
        """The state of a new e-mail. :param use_global_settings: whether it is sent by the mail server of the settings"""
        return KEPT if self._keeps or (use_global_settings and self._server is None) else QUEUED

    def wake(self) -> None:
        """Start to look for stored e-mails."""
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="flows-mail", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, after a short wait for an e-mail that is being sent."""
        self._ends.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while self._wanted.wait() and not self._ends.is_set():
            self._wanted.clear()
            pauses = iter(_PAUSES)
            while (pause := next(pauses, None)) is not None and not self._ends.wait(pause):
                if self._send_next():
                    pauses = iter(_PAUSES)

    def _send_next(self) -> bool:
        """Send an e-mail. :returns: whether there was one"""
        try:
            mail = self._store.mails.take()
            if mail is None:
                return False
            try:
                self._send(mail)
            except errors.Unavailable:
                raise
            except Exception as error:  # of the mail server, or of the parsers of addresses
                reason = _GONE if isinstance(error, errors.NotFound) else str(error) or type(error).__name__
                log.warning("e-mail not sent", mail=mail.pk, stage=mail.stage, reason=reason)
                self._store.mails.fail(mail, reason)
            else:
                self._store.mails.sent(mail)
        except errors.Unavailable as error:
            log.warning("e-mails can't be read", reason=str(error))
            return False
        return True

    def _send(self, mail: Mail) -> None:
        """Send an e-mail.

        :raises NotFound: its stage was deleted
        :raises ValueError: an address is invalid
        :raises OSError: the mail server does not take it, or not in time
        """
        from app.executor.mail.smtp import deliver, message_of  # it takes long to import, and most servers send none

        server, sender = self._server, self._sender
        stage = self._stage(mail.stage) if mail.stage else None
        if stage is not None and (server is None or not stage["use_global_settings"]):
            sender, server = stage["from_address"], _server_of(stage)
        if server is None:
            raise ValueError(_NO_SERVER)
        deliver(server, message_of(sender, mail.name, mail.address, mail.subject, mail.plain, mail.html))

    def _stage(self, pk: str) -> dict[str, Any]:
        row = self._store.objects.get("stages", pk)
        return self._store.values(row)


def _server_of(stage: Mapping[str, Any]) -> MailServer:
    return MailServer(
        stage["host"],
        stage["port"],
        stage["username"],
        stage["password"],
        starttls=stage["use_tls"],
        tls=stage["use_ssl"],
        timeout=min(max(stage["timeout"], 1), _LONGEST),
    )
