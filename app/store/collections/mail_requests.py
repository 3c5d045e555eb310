"""Counters of the requests for e-mails by users, within some time."""

import hashlib

import sqlalchemy as sa

from app import determinism
from app.store.collections.identity import new_uuid
from app.store.collections.rows import locking
from app.store.engine.database import Database
from app.store.schema.tables import mail_requests, objects


class MailRequests:
    """The requests for e-mails of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.compile
        to_address = mail_requests.c.address == sa.bindparam("address_")
        has_expired = mail_requests.c.expires <= sa.bindparam("now_")
        self._lock = compiled(locking(objects.c.pk))
        self._delete_expired = compiled(sa.delete(mail_requests).where(has_expired))
        self._count = compiled(sa.select(sa.func.count(), sa.func.min(mail_requests.c.expires)).where(to_address))
        self._insert = compiled(
            sa.insert(mail_requests).values({c.name: sa.bindparam(c.name) for c in mail_requests.c})
        )

    def count(self, address: str, user: str, most: int, seconds: int) -> int:
        """Count a request, and forget those that have expired.

        :param address: whose requests are counted together
        :param user: the key of the user; empty for one who does not exist
        :param most: how many there may be
        :param seconds: how long it counts
        :returns: 0; or after how many seconds to try again, if there are as many as there may be
        """
        now, digest = int(determinism.now()), hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
        with self._database.write() as session:
            session.lock(self._lock, {"key_": user})  # requests at the same time are counted one after the other
            session.run(self._delete_expired, {"now_": now})
            ((counted, first),) = session.rows(self._count, {"address_": digest})
            if counted >= most:
                return max((first or now + seconds) - now, 1)
            session.run(self._insert, {"pk": new_uuid(), "address": digest, "expires": now + seconds})
        return 0
