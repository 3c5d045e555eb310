"""Copies of the content of a store in memory, which can be put back while the store is served."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from app import errors
from app.store.engine.address import Address
from app.store.engine.engines import POSTGRESQL_CONNECT_TIMEOUT
from app.store.schema.tables import metadata
from app.store.upkeep.backup import opened

# How long to wait before the next attempt on a locked SQLite store, in seconds.
_PATIENCE = 0.005


class Copy(Protocol):
    """A copy of the content of a store."""

    def put_back(self) -> None:
        """Replace the content of the store. :raises Unavailable: the database does not respond"""

    def close(self) -> None:
        """Release the memory."""


def copy_of(address: Address) -> Copy:
    """Copy the content of a store.

    :raises StoreUnusable: the store is in the memory of another connection
    :raises Unavailable: the database does not respond
    """
    if address.path is not None:
        return _SQLiteCopy(address.path)
    if address.in_memory:
        raise errors.StoreUnusable(f"Snapshots are of a store in a file or on a server, and this store is {address}.")
    return _PostgreSQLCopy(address)


class _SQLiteCopy:
    """A database in memory. :param path: the file of the store"""

    def __init__(self, path: Path) -> None:
        self._path = path
        with opened(path) as store:
            self._content = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            store.backup(self._content)

    def put_back(self) -> None:
        """See `Copy`."""
        with opened(self._path) as store:
            self._content.backup(store, sleep=_PATIENCE)

    def close(self) -> None:
        """See `Copy`."""
        self._content.close()


class _PostgreSQLCopy:
    """The rows of all tables, as PostgreSQL writes them. :param address: of the store"""

    def __init__(self, address: Address) -> None:
        self._address = address
        with self._transaction() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._rows = {table.name: self._read(cursor, table.name) for table in metadata.sorted_tables}

    @staticmethod
    def _read(cursor: psycopg.Cursor, table: str) -> bytes:
        with cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))) as copy:
            return b"".join(bytes(part) for part in copy)

    def put_back(self) -> None:
        """See `Copy`."""
        with self._transaction() as cursor:
            # A statement that waits for all tables holds up those that come after it.
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, self._rows))))
            for table, rows in self._rows.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))) as copy:
                    copy.write(rows)

    def close(self) -> None:
        """See `Copy`."""
        self._rows = {}

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor]:
        options = {"connect_timeout": str(POSTGRESQL_CONNECT_TIMEOUT), **self._address.options}
        try:
            with psycopg.connect("", **options) as connection, connection.cursor() as cursor:  # type: ignore[arg-type]
                yield cursor
        except psycopg.OperationalError as error:
            raise errors.Unavailable(str(error)) from error
