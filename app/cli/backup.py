"""`flows backup`: a copy of the SQLite store."""

from pathlib import Path

import click

from app.settings import Settings


@click.command(short_help="Copy the SQLite store to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(settings: Settings, file: Path) -> None:
    """Write a consistent copy of the SQLite store to a file. Servers may run meanwhile.

    An existing file is replaced when the copy is complete. For PostgreSQL, prints the command to use instead.

    Example: flows backup flows.backup
    """
    from app.cli.start import sqlite_or_exit
    from app.store.upkeep.backup import back_up

    store = sqlite_or_exit(settings, "pg_dump --format=custom --file={file} {url}", file)
    revision = back_up(store, file)
    click.echo(f"{file} holds {store} at revision {revision}.")
