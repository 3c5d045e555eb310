"""E-mails that are queued, could not be sent, or are kept."""

from typing import NamedTuple

import sqlalchemy as sa

from app import determinism
from app.store.collections.identity import new_uuid
from app.store.engine.database import Database
from app.store.schema.tables import mails

KEPT, QUEUED, SENDING, FAILED = "kept", "queued", "sending", "failed"
"""The states of e-mails. Those that were sent are deleted."""

# Links in them are long invalid by then, in seconds.
_LIFETIME = 7 * 86400
_MOST = 200


class Mail(NamedTuple):
    """An e-mail.

    :param pk: its key
    :param created: in seconds since 1970-01-01 UTC
    :param stage: the key of the stage that has written it; empty for an invitation
    :param name: the name of the recipient
    :param address: the address of the recipient
    :param plain: as plain text
    :param html: as HTML
    :param reason: why it could not be sent
    """

    pk: str
    created: int
    stage: str
    name: str
    address: str
    subject: str
    plain: str
    html: str
    state: str
    reason: str


class Mails:
    """The e-mails of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.compile
        newest = sa.select(*mails.c).order_by(mails.c.created.desc(), mails.c.pk.desc())
        oldest = sa.select(*mails.c).order_by(mails.c.created, mails.c.pk).limit(1)
        mine = sa.and_(mails.c.pk == sa.bindparam("pk_"), mails.c.state == sa.bindparam("state_"))
        state: sa.BindParameter[str] = sa.bindparam("new_state")
        self._all = compiled(newest.limit(_MOST))
        self._queued = compiled(oldest.where(mails.c.state == sa.bindparam("state_")))
        self._insert = compiled(sa.insert(mails).values({c.name: sa.bindparam(c.name) for c in mails.c}))
        self._update = compiled(sa.update(mails).where(mine).values(state=state, reason=sa.bindparam("new_reason")))
        self._delete = compiled(sa.delete(mails).where(mine))
        self._delete_old = compiled(sa.delete(mails).where(mails.c.created <= sa.bindparam("before_")))
        self._delete_all = compiled(sa.delete(mails))

    def all(self) -> list[Mail]:
        """The newest e-mails, at most 200."""
        with self._database.read() as session:
            return [Mail._make(row) for row in session.rows(self._all)]

    def add(self, stage: str, name: str, address: str, subject: str, text: tuple[str, str], state: str) -> None:
        """Store an e-mail, and delete old ones. See `Mail`. :param text: as plain text, and as HTML"""
        now = int(determinism.now())
        mail = Mail(new_uuid(), now, stage, name, address, subject, *text, state, "")
        with self._database.write() as session:
            session.run(self._delete_old, {"before_": now - _LIFETIME})
            session.run(self._insert, mail._asdict())

    def add_none(self) -> None:
        """Take as long as `add`, for a user who gets no e-mail."""
        with self._database.write() as session:
            session.run(self._delete_old, {"before_": int(determinism.now()) - _LIFETIME})
            session.run(self._delete, {"pk_": new_uuid(), "state_": KEPT})

    def take(self) -> Mail | None:
        """Mark the oldest queued e-mail as `SENDING`. :returns: the e-mail; None if there is none"""
        with self._database.read() as session:
            row = session.row(self._queued, {"state_": QUEUED})
        if row is None:
            return None
        mail = Mail._make(row)
        return mail if self._change(mail, QUEUED, SENDING) else self.take()

    def sent(self, mail: Mail) -> None:
        """Delete an e-mail that was sent."""
        with self._database.write() as session:
            session.run(self._delete, {"pk_": mail.pk, "state_": SENDING})

    def fail(self, mail: Mail, reason: str) -> None:
        """Keep an e-mail that could not be sent."""
        self._change(mail, SENDING, FAILED, reason)

    def clear(self) -> None:
        """Delete all e-mails."""
        with self._database.write() as session:
            session.run(self._delete_all)

    def _change(self, mail: Mail, before: str, state: str, reason: str = "") -> bool:
        values = {"pk_": mail.pk, "state_": before, "new_state": state, "new_reason": reason}
        with self._database.write() as session:
            return session.run(self._update, values) > 0
