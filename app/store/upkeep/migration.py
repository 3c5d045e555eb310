"""Migrations with Alembic, without a configuration file: from an empty database or any released version to this one."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision, as a constant, so that a start without a migration need not load Alembic; a test compares the two. Revisions
# are numbers of four digits, so a greater one is newer.
HEAD = "0012"
_REVISION = re.compile("(?!0000)[0-9]{4}")

_REVISIONS = sa.text("SELECT version_num FROM alembic_version")


def current(database: Database) -> str | None:
    """The revision of a database, None if it has no tables.

    :raises Unavailable: the database does not respond
    :raises Unfit: its tables were not created by this server
    """
    tables, revisions = _found(database)
    if len(revisions) > 1 or not all(map(_REVISION.fullmatch, revisions)):
        raise errors.Unfit(
            f"The revision of {database.address} is {', '.join(revisions)}, which is none of this server's: its table"
            " `alembic_version` is another program's. Give the server a database of its own."
        )
    if not revisions and "flows" in tables:
        raise errors.Unfit(
            f"{database.address} has tables and no revision of them, as its table `alembic_version` is empty or missing."
            " Restore a backup, or give the server an empty database."
        )
    return revisions[0] if revisions else None


def _found(database: Database) -> tuple[set[str], list[str]]:
    """The existing tables among `alembic_version` and `flows`, and the revisions in the first."""
    path = database.address.path
    if path is not None and not path.exists():
        # A connection may still have a file that was removed.
        return set(), []
    tables = database.tables(("alembic_version", "flows"))
    if "alembic_version" not in tables:
        return tables, []
    with database.read() as session:
        rows = session.rows(database.compile(_REVISIONS))
    return tables, [str(revision) for (revision,) in rows]


def reject_newer(revision: str | None, whose: str) -> None:
    """:raises StoreUnusable: a newer version has created the tables of this revision"""
    if revision is not None and revision > HEAD:
        raise errors.StoreUnusable(
            f"{whose} is at revision {revision}, and this version knows none above {HEAD}."
            " Use the version that made it, or a newer one."
        )


def upgrade(database: Database) -> None:
    """Apply all pending migrations in one transaction. :raises Unavailable: the database does not respond"""
    from alembic import command

    config = configuration()
    with _translated(database), database.engine.connect() as connection, connection.begin():
        # The driver is in autocommit: the transaction begins with these statements, and ends with SQLAlchemy's.
        for statement in database.migration_begin:
            connection.exec_driver_sql(statement)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def configuration() -> "Config":
    """Alembic's configuration for the migrations of this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "schema" / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


@contextlib.contextmanager
def _translated(database: Database) -> Iterator[None]:
    try:
        yield
    except sa.exc.DatabaseError as error:
        if error.orig is not None and isinstance(known := database.translated(error.orig), errors.Unavailable):
            raise known from error
        # Other classes are errors of a migration, these two of the database.
        if type(error) not in (sa.exc.OperationalError, sa.exc.DatabaseError):
            raise
        raise errors.Unavailable(str(error.orig)) from error
