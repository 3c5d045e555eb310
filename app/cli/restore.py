"""`flows restore`: create the SQLite store from a backup."""

from pathlib import Path

import click

from app.settings import Settings


@click.command(short_help="Create the SQLite store from a backup.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace an existing store.")
@click.pass_obj
def command(settings: Settings, file: Path, replace: bool) -> None:
    """Create the SQLite store from a backup, and migrate it to this version. Stop all servers on the store first.

    Example: FLOWS_DATABASE_URL=sqlite:///restored.sqlite3 flows restore flows.backup
    """
    from dataclasses import replace as changed

    from app.application import open_store
    from app.cli.start import contract_or_exit, sqlite_or_exit
    from app.store.upkeep.backup import restore

    store = sqlite_or_exit(settings, "pg_restore --clean --if-exists --single-transaction --dbname={url} {file}", file)
    contract = contract_or_exit(settings)

    def upgrade(path: Path) -> None:
        copy = open_store(changed(settings, database_url=f"sqlite:///{path}"), contract)
        copy.migrate()
        copy.close()

    revision = restore(file, store, upgrade, replace=replace)
    click.echo(f"{store} holds what {file} held at revision {revision}.")
