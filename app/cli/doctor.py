"""`flows doctor`: a diagnosis of everything that the server needs."""

import sys

import click

from app.settings import Settings


@click.command(short_help="Check everything that the server needs.")
@click.pass_obj
def command(settings: Settings) -> None:
    """Check everything that the server needs, and say what to do. Changes nothing.

    Run it with the settings of the server, as its user. Each line begins with ok, warn or fail. Exits 1 if any is fail.

    Example: flows doctor
    """
    from app.cli.examination import examine

    failed = False
    for line in examine(settings):
        click.echo(f"{line.state:4}  {line.subject:9}  {line.found}")
        if line.advice:
            click.echo(f"{'':17}{line.advice}")
        failed = failed or line.state == "fail"
    sys.exit(int(failed))
