"""Alembic, without a configuration file: from an empty database or any released version to the tables of this one."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app import errors
from app.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision. Kept here so that a start without a migration need not load Alembic; a test compares the two.
# Revisions are numbers of four digits, so a greater one is a newer one.
HEAD = "0002"

_has_revision = sa.text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
_revision = sa.text("SELECT version_num FROM alembic_version")

# Servers that start together migrate one after the other; the number is this project's own.
_ADVISORY_LOCK = 7_203_981


def current(database: Database) -> str | None:
    """The revision of a database, None if it is empty. :raises Unavailable: the database does not answer"""
    if database.embedded and database.address.path is not None:
        return _embedded_revision(database, database.address.path)
    with _translated(), database.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(_revision).scalar()
        return revision


def _embedded_revision(database: Database, path: Path) -> str | None:
    """The same without a connection of its own, as an event loop may ask."""
    if not path.exists():
        # A connection still has the file that was removed.
        return None
    with database.read() as session:
        if session.row(database.compile(_has_revision)) is None:
            return None
        row = session.row(database.compile(_revision))
    return None if row is None else str(row[0])


def refuse_newer(revision: str | None, whose: str) -> None:
    """:raises Unusable: the tables of this revision are not known, as a newer version made them"""
    if revision is not None and revision > HEAD:
        raise errors.Unusable(
            f"{whose} is at revision {revision}, and this version knows none above {HEAD}."
            " Use the version that made it, or a newer one."
        )


def upgrade(database: Database) -> None:
    """Apply every migration that is missing, in one transaction. :raises Unavailable: the database does not answer"""
    from alembic import command

    config = configuration()
    with _translated(), database.engine.connect() as connection, connection.begin():
        # The driver is in autocommit, so that SQLAlchemy's transaction begins by our word and ends by its own.
        if database.embedded:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def configuration() -> "Config":
    """Alembic's configuration for the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sa.exc.DatabaseError as error:
        # Its other kinds are faults of a migration, and those two of the database.
        if type(error) not in (sa.exc.OperationalError, sa.exc.DatabaseError):
            raise
        raise errors.Unavailable(str(error.orig)) from error
