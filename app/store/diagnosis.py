"""What a networked database says of itself."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from app import errors
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database server does.

    :param version: of the server
    :param seconds: how long it took to answer
    :param connections: how many all clients together may open
    :param taken: how many are open
    :param read_only: whether it takes no changes, as a standby
    :param ahead: seconds that its clock is ahead of this machine's; negative if it is behind
    """

    version: str
    seconds: float
    connections: int
    taken: int
    read_only: bool
    ahead: float


def condition(database: Database) -> Condition:
    """Ask a database server how it does. :raises Unavailable: it does not answer"""
    query = database.compile(
        sa.text(
            "SELECT current_setting('server_version'),"
            " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " current_setting('transaction_read_only') = 'on',"
            " extract(epoch FROM clock_timestamp())::float"
        )
    )
    with database.read() as session:
        # The first answer waits for the connection.
        session.row(query)
        before = time.time()
        row = session.row(query)
        after = time.time()
    if row is None:
        raise errors.Unavailable("It answers nothing.")
    version, connections, taken, read_only, clock = row
    return Condition(version, after - before, connections, taken, read_only, clock - (before + after) / 2)
