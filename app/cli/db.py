"""`flows db`: the tables of the database."""

import click

from app.settings import Settings


@click.group(short_help="Migrate the database.")
def command() -> None:
    """Migrate the tables of the database, or show their revision."""


@command.command()
@click.pass_obj
def upgrade(settings: Settings) -> None:
    """Migrate the tables to this version. Does nothing if they have it.

    Example: FLOWS_DATABASE_URL=postgresql://flows@localhost/flows flows db upgrade
    """
    from app.cli.first_token import bootstrap
    from app.cli.start import contract_or_exit, opened_or_exit
    from app.store.upkeep import migration

    store = opened_or_exit(settings, contract_or_exit(settings))
    before = migration.current(store.database)
    store.migrate()
    about_tokens = bootstrap(store, settings)
    made = before is None and not store.database.shared
    store.close()
    if before == migration.HEAD:
        click.echo(f"The database is at {migration.HEAD}, as this version requires.")
    else:
        click.echo(f"The database was at {before or 'nothing'} and is at {migration.HEAD} now.")
    for line in about_tokens if made else ():
        click.echo(line)


@command.command()
@click.pass_obj
def current(settings: Settings) -> None:
    """Show the revision of the tables. Exits 1 if it is not that of this version.

    Example: flows db current
    """
    from app.cli.start import contract_or_exit, opened_or_exit
    from app.store.upkeep import migration

    store = opened_or_exit(settings, contract_or_exit(settings))
    found = migration.current(store.database)
    store.close()
    click.echo(f"{found or 'nothing'} (this version wants {migration.HEAD})")
    if found != migration.HEAD:
        raise SystemExit(1)
