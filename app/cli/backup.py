"""`flows backup`: a copy of the embedded store."""

from pathlib import Path

import click

from app.settings import Settings


@click.command(short_help="Copy the embedded store to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(settings: Settings, file: Path) -> None:
    """Copy the embedded store to a file, whole and as it is at one moment. Servers may go on meanwhile.

    A file that is there is replaced when the copy is complete.

    Example: flows backup flows.backup
    """
    from app.cli.start import embedded_or_exit
    from app.store.upkeep.backup import back_up

    store = embedded_or_exit(settings, "pg_dump --format=custom --file={file} {url}", file)
    revision = back_up(store, file)
    click.echo(f"{file} holds {store} at revision {revision}.")
