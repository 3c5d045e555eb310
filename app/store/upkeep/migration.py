"""Migrations with Alembic, without a configuration file, from any released version to this one; an empty database gets the tables
of this one at once.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app import errors
from app.store.engine.database import Database
from app.store.schema import triggers  # noqa: F401  # they are created with their tables
from app.store.schema.tables import LAST_NUMBER, SESSION_KEY, metadata, properties

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision, as a constant, so that a start without a migration need not load Alembic; a test compares the two. Revisions
# are numbers of four digits, so a greater one is newer.
HEAD = "0012"
_REVISION = re.compile("(?!0000)[0-9]{4}")

# Alembic's own table.
_revisions = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


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
        rows = session.rows(database.compile(sa.select(_revisions.c.version_num)))
    return tables, [str(revision) for (revision,) in rows]


def reject_newer(revision: str | None, whose: str) -> None:
    """:raises StoreUnusable: a newer version has created the tables of this revision"""
    if revision is not None and revision > HEAD:
        raise errors.StoreUnusable(
            f"{whose} is at revision {revision}, and this version knows none above {HEAD}."
            " Use the version that made it, or a newer one."
        )


def upgrade(database: Database) -> None:
    """Create the tables, or apply all pending migrations, in one transaction.

    :raises Unavailable: the database does not respond
    """
    with _translated(database), database.engine.connect() as connection, connection.begin():
        # The driver is in autocommit: the transaction begins with these statements, and ends with SQLAlchemy's.
        for statement in database.migration_begin:
            connection.exec_driver_sql(statement)
        # Asked within the transaction: another server may have created them since.
        _revisions.create(connection, checkfirst=True)
        if connection.scalar(sa.select(_revisions.c.version_num)) is None:
            _create(connection)
        else:
            _migrate(connection)


def _create(connection: sa.Connection) -> None:
    """Create the tables as the migrations leave them, without the time that Alembic's import takes."""
    metadata.create_all(connection, checkfirst=False)
    first = {LAST_NUMBER: "0", SESSION_KEY: secrets.token_hex(32)}
    connection.execute(sa.insert(properties), [{"name": name, "value": value} for name, value in first.items()])
    connection.execute(sa.insert(_revisions), {"version_num": HEAD})


def _migrate(connection: sa.Connection) -> None:
    from alembic import command

    config = configuration()
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
