"""Uploaded files. They are kept in the database, so that each server of several has them, and a backup too."""

from typing import NamedTuple

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database, Session
from app.store.schema.tables import files


class StoredFile(NamedTuple):
    """A file as it is stored.

    :param media_type: as it was uploaded with
    :param content: its bytes
    """

    media_type: str
    content: bytes


class Files:
    """The files of a database.

    :param database: where they are
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        by_path = files.c.path == sa.bindparam("path_")
        self._select = database.compile(sa.select(files.c.media_type, files.c.content).where(by_path))
        self._insert = database.compile(sa.insert(files).values({c.name: sa.bindparam(c.name) for c in files.c}))
        self._delete = database.compile(sa.delete(files).where(files.c.flow == sa.bindparam("flow_")))

    def get(self, path: str) -> StoredFile:
        """A file. :raises NotFound: there is none"""
        if "\0" in path:
            # PostgreSQL has no such text.
            raise errors.NotFound
        with self._database.read() as session:
            row = session.row(self._select, {"path_": path})
        if row is None:
            raise errors.NotFound
        return StoredFile(row[0], bytes(row[1]))

    def add(self, session: Session, path: str, flow: str, file: StoredFile) -> None:
        """Store a file of a flow at a path that is free, within a transaction. :param flow: its primary key"""
        values = {"path": path, "flow": flow, "media_type": file.media_type, "content": file.content}
        session.run(self._insert, values)

    def remove(self, session: Session, flow: str) -> None:
        """Delete the files of a flow, within a transaction. :param flow: its primary key"""
        session.run(self._delete, {"flow_": flow})
