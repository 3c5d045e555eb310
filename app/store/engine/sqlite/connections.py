"""The connections to a SQLite file, with one writer at a time."""

from app.store.engine.address import Address
from app.store.engine.connections import Connections
from app.store.engine.engines import sqlite_engine
from app.store.engine.sqlite.errors import SQLiteErrors
from app.store.engine.sqlite.write_queue import WriteQueue


class SQLiteConnections(Connections):
    """The connections of one process to one file. :raises Unavailable: the folder or file can't be created"""

    begin = "BEGIN IMMEDIATE"
    """The statement that begins a transaction: writers wait for one another instead of failing."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, sqlite_engine(address), SQLiteErrors())
        # The place of the next writer of all threads and processes.
        self.write_queue = WriteQueue()
