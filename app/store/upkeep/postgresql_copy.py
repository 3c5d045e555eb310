"""Copies of a store on PostgreSQL. Only such stores import it, as it imports the driver."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from app import errors
from app.store.engine.address import Address
from app.store.engine.engines import POSTGRESQL_CONNECT_TIMEOUT
from app.store.schema.tables import metadata


class PostgreSQLCopy:
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
        """See `copies.Copy`."""
        with self._transaction() as cursor:
            # A statement that waits for all tables holds up those that come after it.
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, self._rows))))
            for table, rows in self._rows.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))) as copy:
                    copy.write(rows)

    def close(self) -> None:
        """See `copies.Copy`."""
        self._rows = {}

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor]:
        options = {"connect_timeout": str(POSTGRESQL_CONNECT_TIMEOUT), **self._address.options}
        try:
            with psycopg.connect("", **options) as connection, connection.cursor() as cursor:  # type: ignore[arg-type]
                yield cursor
        except psycopg.OperationalError as error:
            raise errors.Unavailable(str(error)) from error
