"""Engines of SQLAlchemy: how connections are opened and set up."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app import errors
from app.store.engine.address import Address
from app.store.engine.locking import runs_event_loop
from app.store.engine.sqlite.privacy import make_file, make_folder

DIRECT = "direct"
"""The key in the pool's record of a PostgreSQL connection: whether it has one session of the server for its lifetime."""

# The busy timeout of a thread without an event loop, in milliseconds.
SQLITE_BUSY_TIMEOUT = 5_000
# The size that SQLite truncates the WAL to after a checkpoint, in bytes: it grows during long reads. SQLite checkpoints at about
# half of it, so a WAL of normal size keeps its file, which is faster than to create it again.
SQLITE_LOG_LIMIT = 8 * 1024 * 1024
# How long to wait for a PostgreSQL server to respond at connect, in seconds.
POSTGRESQL_CONNECT_TIMEOUT = 5
# How long a statement may run on PostgreSQL, in milliseconds.
POSTGRESQL_STATEMENT_TIMEOUT = 15_000
# How long a statement waits for a lock of another transaction, in milliseconds. A transaction with a lock for longer is stuck or
# long-running.
POSTGRESQL_LOCK_TIMEOUT = 2_000
# The same for a transaction that waits for all other writers: each transaction before it takes seconds at most.
POSTGRESQL_WRITERS_TIMEOUT = 10_000
# The same on the threads and connections that other requests wait for. It is enough for a commit to end.
POSTGRESQL_SHORT_LOCK_TIMEOUT = 20
# How long a connection may be silent during a statement, in seconds. A pooler may queue the statement before it runs.
POSTGRESQL_RESPONSE_TIMEOUT = POSTGRESQL_STATEMENT_TIMEOUT / 1000 + POSTGRESQL_CONNECT_TIMEOUT
# How long the machine of a PostgreSQL server may be silent until it counts as gone, in milliseconds. The kernel of a busy one
# still responds.
POSTGRESQL_SILENCE = 5_000


def sqlite_engine(address: Address) -> sa.Engine:
    """Create the engine of a SQLite database. :raises Unavailable: the folder or file can't be created"""
    if address.path is not None:
        try:
            make_folder(address.path.parent)
        except OSError as error:
            raise errors.Unavailable(f"{address.path} can't be created: {error.strerror}") from error
    engine = sa.create_engine(
        address.url,
        # Each thread keeps its connection, so there is nothing to pool; a database in memory has one connection only.
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
    """Let a statement that finds the database locked sleep in its thread, or fail at once.

    :param may_sleep: whether nothing else needs the thread
    """
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT if may_sleep else 0}")


def postgresql_engine(address: Address, pool_size: int) -> sa.Engine:
    """Create the engine of a PostgreSQL database.

    :param pool_size: the maximum number of connections
    """
    from app.store.engine.postgresql.opening import open_connection

    defaults = {
        "connect_timeout": POSTGRESQL_CONNECT_TIMEOUT,
        "tcp_user_timeout": POSTGRESQL_SILENCE,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        # Of several servers, connect to the primary.
        "target_session_attrs": "read-write" if "," in address.options.get("host", "") else "any",
    }
    fixed = {
        "autocommit": True,
        # Statements are sent in UTF-8, whatever encoding the database uses.
        "client_encoding": "UTF8",
        # Psycopg's own names of prepared statements are the same in each process, so it must not prepare any.
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
        # The options of the URL override the defaults.
        connect_args={**defaults, **address.options, **fixed},
    )

    @sa.event.listens_for(engine, "do_connect")
    def _open(_dialect: object, record: Any, _arguments: object, parameters: Mapping[str, Any]) -> object:
        connection, record.info[DIRECT] = open_connection(parameters, options)
        return connection

    return engine
