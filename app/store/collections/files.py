"""Uploaded files. The database stores them, so that all servers share them, and backups include them."""

from typing import NamedTuple

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database, Session
from app.store.schema.tables import files


class StoredFile(NamedTuple):
    """A stored file.

    :param media_type: as uploaded
    :param content: its bytes
    """

    media_type: str
    content: bytes


class Files:
    """The files of a database.

    :param database: the database
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        by_path = files.c.path == sa.bindparam("path_")
        self._select = database.compile(sa.select(files.c.media_type, files.c.content).where(by_path))
        self._insert = database.compile(sa.insert(files).values({c.name: sa.bindparam(c.name) for c in files.c}))
        self._delete = database.compile(sa.delete(files).where(files.c.flow == sa.bindparam("flow_")))

    def get(self, path: str) -> StoredFile:
        """Get a file. :raises NotFound: there is none"""
        if "\0" in path:
            # PostgreSQL does not support NUL.
            raise errors.NotFound
        with self._database.read() as session:
            row = session.row(self._select, {"path_": path})
        if row is None:
            raise errors.NotFound
        return StoredFile(row[0], bytes(row[1]))

    def add(self, session: Session, path: str, flow: str, file: StoredFile) -> None:
        """Store a file of a flow at a free path, within a transaction. :param flow: its primary key"""
        values = {"path": path, "flow": flow, "media_type": file.media_type, "content": file.content}
        session.run(self._insert, values)

    def remove(self, session: Session, flow: str) -> None:
        """Delete the files of a flow, within a transaction. :param flow: its primary key"""
        session.run(self._delete, {"flow_": flow})
