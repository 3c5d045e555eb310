"""SQLAlchemy's engines: how connections are opened, and what is set on each."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app import errors
from app.store.engine.address import Address
from app.store.engine.locking import runs_event_loop
from app.store.engine.sqlite.privacy import make_file, make_folder

DIRECT = "direct"
"""What a pool knows of a connection to PostgreSQL: whether it leads to one session for as long as it lasts."""

# How long a thread without an event loop waits for another writer, in milliseconds.
SQLITE_BUSY_TIMEOUT = 5_000
# How large the log of a SQLite database stays once it has been written back, in bytes: it grows while somebody reads for long.
# SQLite writes it back from about half of that on, so a log of everyday size keeps its file, which is quicker than to make it anew.
SQLITE_LOG_LIMIT = 8 * 1024 * 1024
# How long to wait for a PostgreSQL server to response at connect, in seconds.
POSTGRESQL_CONNECT_TIMEOUT = 5
# How long a statement may run on PostgreSQL, in milliseconds.
POSTGRESQL_STATEMENT_TIMEOUT = 15_000
# How long a statement waits for a lock of another transaction, in milliseconds. Who holds it for longer is stuck, or at work for
# long.
POSTGRESQL_LOCK_TIMEOUT = 2_000
# The same for a transaction that no other writer may interleave with: each of those that come before takes seconds at most.
POSTGRESQL_WRITERS_TIMEOUT = 10_000
# The same where others would wait for it: on the threads and the connections of requests. It is enough for a commit to end.
POSTGRESQL_SHORT_LOCK_TIMEOUT = 20
# How long a connection may be silent while a statement is under way, in seconds. A pooler may let it wait before it runs.
POSTGRESQL_RESPONSE_TIMEOUT = POSTGRESQL_STATEMENT_TIMEOUT / 1000 + POSTGRESQL_CONNECT_TIMEOUT
# After how long a PostgreSQL server's machine that says nothing counts as gone, in milliseconds. One that is busy is not silent:
# its kernel answers.
POSTGRESQL_SILENCE = 5_000


def sqlite_engine(address: Address) -> sa.Engine:
    """The engine of a SQLite database. :raises Unavailable: there is no place for it"""
    if address.path is not None:
        try:
            make_folder(address.path.parent)
        except OSError as error:
            raise errors.Unavailable(f"{address.path} can't be created: {error.strerror}") from error
    engine = sa.create_engine(
        address.url,
        # Each thread keeps its connection, so there is nothing to pool; only an unnamed database is its connection.
        poolclass=sa.pool.StaticPool if address.path is None else sa.pool.NullPool,
        # Transactions begin and end in `Database.write` only, so there is nothing to reset.
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 0},
    )

    @sa.event.listens_for(engine, "do_connect")
    def _keep_private(*_: object) -> None:
        if address.path is not None and "uri" not in address.url.query:
            make_file(address.path)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        let_sleep(connection, not runs_event_loop())
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"journal_size_limit = {SQLITE_LOG_LIMIT}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def let_sleep(connection: sqlite3.Connection, may_sleep: bool) -> None:
    """Let a statement that finds the database locked sleep in its thread for a while, or fail at once.

    :param may_sleep: whether nothing else wants the thread
    """
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT if may_sleep else 0}")


def postgresql_engine(address: Address, pool_size: int) -> sa.Engine:
    """The engine of PostgreSQL.

    :param pool_size: the most connections
    """
    from app.store.engine.postgresql.opening import open_connection

    defaults = {
        "connect_timeout": POSTGRESQL_CONNECT_TIMEOUT,
        "tcp_user_timeout": POSTGRESQL_SILENCE,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        # Of several servers the one that takes changes is meant, whichever it is now.
        "target_session_attrs": "read-write" if "," in address.options.get("host", "") else "any",
    }
    fixed = {
        "autocommit": True,
        # Statements are sent in it, whatever the database stores them in.
        "client_encoding": "UTF8",
        # The names that the driver gives to statements that it prepares by itself are the same in each process.
        "prepare_threshold": None,
    }
    limits = {"statement_timeout": POSTGRESQL_STATEMENT_TIMEOUT, "lock_timeout": POSTGRESQL_LOCK_TIMEOUT}
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    engine = sa.create_engine(
        address.url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POSTGRESQL_CONNECT_TIMEOUT,
        pool_reset_on_return=None,
        # What the URL says wins.
        connect_args={**defaults, **address.options, **fixed},
    )

    @sa.event.listens_for(engine, "do_connect")
    def _open(_dialect: object, record: Any, _arguments: object, parameters: Mapping[str, Any]) -> object:
        connection, record.info[DIRECT] = open_connection(parameters, options)
        return connection

    return engine
