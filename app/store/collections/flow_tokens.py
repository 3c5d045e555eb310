"""Plans that links in e-mails restore, each once. Only the digest of a link's token is stored."""

import hashlib
from typing import NamedTuple

import sqlalchemy as sa

from app import determinism
from app.store.engine.database import Database
from app.store.schema.tables import flow_tokens


class RestorablePlan(NamedTuple):
    """A plan that a link restores.

    :param user: the key of the user who gets the link
    :param user_state: a digest of the state of the user when the link was made
    :param expires: in seconds since 1970-01-01 UTC
    :param plan: as JSON
    """

    user: str
    user_state: str
    expires: int
    plan: str


class FlowTokens:
    """The restorable plans of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.compile
        mine = sa.and_(flow_tokens.c.digest == sa.bindparam("digest_"), flow_tokens.c.flow == sa.bindparam("flow_"))
        select = sa.select(*(flow_tokens.c[name] for name in RestorablePlan._fields))
        self._select = compiled(select.where(mine))
        self._delete = compiled(sa.delete(flow_tokens).where(mine))
        self._delete_expired = compiled(sa.delete(flow_tokens).where(flow_tokens.c.expires <= sa.bindparam("now_")))
        self._insert = compiled(sa.insert(flow_tokens).values({c.name: sa.bindparam(c.name) for c in flow_tokens.c}))

    def add(self, token: str, flow: str, restorable: RestorablePlan) -> None:
        """Store a plan, and delete those that have expired.

        :param token: of the link
        :param flow: the key of its flow
        """
        with self._database.write() as session:
            session.run(self._delete_expired, {"now_": int(determinism.now())})
            session.run(self._insert, {"digest": _digest(token), "flow": flow, **restorable._asdict()})

    def add_none(self, token: str, flow: str) -> None:
        """Take as long as `add`, for a user who gets no link. See `add`"""
        with self._database.write() as session:
            session.run(self._delete_expired, {"now_": int(determinism.now())})
            session.run(self._delete, {"digest_": _digest(token), "flow_": flow})

    def take(self, token: str, flow: str) -> RestorablePlan | None:
        """Delete a stored plan of a flow. :returns: the plan; None if there is none, or it has expired"""
        key = {"digest_": _digest(token), "flow_": flow}
        with self._database.read() as session:
            row = session.row(self._select, key)
        if row is None or (found := RestorablePlan._make(row)).expires <= determinism.now():
            return None
        with self._database.write() as session:
            return found if session.run(self._delete, key) else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
