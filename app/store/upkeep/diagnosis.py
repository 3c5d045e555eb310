"""Diagnosis of a PostgreSQL server."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database, Session
from app.store.engine.postgresql.session import PostgreSQLSession
from app.store.queries import large
from app.store.schema.tables import metadata

POOLER = (
    "A connection pooler such as PgBouncer is in between, and prepared statements and settings may not last from one transaction to"
    " the next: each statement is planned anew."
)
"""The explanation for connections through a pooler."""

# The privileges that a role needs on each table.
_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a database server.

    :param version: of the server
    :param seconds: its response time
    :param connections: the maximum number of connections of all clients
    :param taken: the number of open connections
    :param read_only: whether it is read-only, as a standby
    :param ahead: how far its clock is ahead of this machine's, in seconds; negative if it is behind
    :param encoding: of stored text, as PostgreSQL names it
    :param direct: whether the connection has no pooler
    :param grants: the statements that grant the missing privileges of the role
    """

    version: str
    seconds: float
    connections: int
    taken: int
    read_only: bool
    ahead: float
    encoding: str = "UTF8"
    direct: bool = True
    grants: Sequence[str] = ()


def condition(database: Database) -> Condition:
    """Query the condition of a database server. :raises Unavailable: it does not respond"""
    query = database.compile(
        sa.text(
            "SELECT current_setting('server_version'),"
            " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " current_setting('transaction_read_only') = 'on',"
            " extract(epoch FROM clock_timestamp())::float,"
            " current_setting('server_encoding')"
        )
    )
    with database.read() as session:
        # The first query also waits for the connection.
        session.row(query)
        before = time.time()
        row = session.row(query)
        after = time.time()
        grants = _grants(database, session)
        direct = cast(PostgreSQLSession, session).direct
    if row is None:
        raise errors.Unavailable("It answers nothing.")
    version, connections, taken, read_only, clock, encoding = row
    ahead = clock - (before + after) / 2
    return Condition(version, after - before, connections, taken, read_only, ahead, encoding, direct, grants)


def _grants(database: Database, session: Session) -> list[str]:
    """The statements that grant the missing privileges of the role."""
    schema = database.compile(
        sa.text(
            "SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I;', coalesce(current_schema(), 'public'), current_user)"
            " WHERE to_regclass('flows') IS NULL AND has_schema_privilege(current_schema(), 'CREATE') IS NOT true"
        )
    )
    tables = database.compile(
        sa.text(
            "WITH lacking AS ("
            " SELECT name, string_agg(privilege, ', ' ORDER BY place) AS privileges"
            " FROM unnest(CAST(:names AS text[]), CAST(:privileges AS text[])) WITH ORDINALITY AS needed (name, privilege, place)"
            " WHERE NOT has_table_privilege(to_regclass(name), privilege) GROUP BY name)"
            " SELECT format('GRANT %s ON %s TO %I;', privileges, string_agg(quote_ident(name), ', ' ORDER BY name), current_user)"
            " FROM lacking GROUP BY privileges ORDER BY privileges"
        )
    )
    needed = [(name, privilege) for name in (*metadata.tables, *large.TABLES) for privilege in _PRIVILEGES]
    needed.append(("alembic_version", "SELECT"))
    names, privileges = map(list, zip(*needed, strict=True))
    rows = [*session.rows(schema), *session.rows(tables, {"names": names, "privileges": privileges})]
    return [statement for (statement,) in rows]
