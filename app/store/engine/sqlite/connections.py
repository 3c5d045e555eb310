"""The connections to a SQLite file, of which one at a time may write."""

from app.store.engine.address import Address
from app.store.engine.connections import Connections
from app.store.engine.engines import sqlite_engine
from app.store.engine.sqlite.errors import SQLiteErrors
from app.store.engine.sqlite.write_queue import WriteQueue


class SQLiteConnections(Connections):
    """The connections of one process to one file. :raises Unavailable: there is no place for it"""

    begin = "BEGIN IMMEDIATE"
    """The statement that begins a transaction: writers wait for one another instead of failing."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, sqlite_engine(address), SQLiteErrors())
        # The place of the next writer among threads and processes.
        self.write_queue = WriteQueue()
