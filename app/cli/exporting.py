"""`flows export`: write flows as authentik's blueprints."""

import sys
from pathlib import Path

import click

from app.settings import Settings


@click.command(short_help="Write flows as a blueprint.")
@click.argument("slugs", nargs=-1, required=True, metavar="SLUG...")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write. Default: standard output."
)
@click.pass_obj
def command(settings: Settings, slugs: tuple[str, ...], output: Path | None) -> None:
    """Write flows, and everything that they refer to, as one blueprint.

    Example: flows export welcome --output welcome.yaml
    """
    from app.blueprints.exporting import export
    from app.cli.start import contract_or_exit, store_or_exit
    from app.errors import NotFound

    store = store_or_exit(settings, contract_or_exit(settings))
    try:
        text = export(store, slugs)
    except NotFound as error:
        raise click.ClickException(f"There is no flow of the slug {str(error)!r}.") from error
    finally:
        store.close()
    if output is None:
        sys.stdout.buffer.write(text)
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        raise click.ClickException(f"{output} can't be written: {error.strerror}.") from error
