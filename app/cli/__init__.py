"""The command line: `flows`, or `python -m app`."""

import os
import sys
from typing import ClassVar

import click

from app.settings import Settings, SettingsError


class _Commands(click.Group):
    """Loads each command on its first use, so that a command does not import the dependencies of others."""

    _modules: ClassVar = {
        "serve": "app.cli.serve",
        "dev": "app.cli.dev",
        "check": "app.cli.check",
        "bundle": "app.cli.bundle",
        "versions": "app.cli.versions",
        "diff": "app.cli.diff",
        "upgrade": "app.cli.upgrade",
        "token": "app.cli.token",
        "coverage": "app.cli.coverage",
        "db": "app.cli.db",
        "doctor": "app.cli.doctor",
        "backup": "app.cli.backup",
        "restore": "app.cli.restore",
        "import": "app.cli.importing",
        "export": "app.cli.exporting",
        "request": "app.cli.request",
        "replay": "app.cli.replay",
        "fuzz": "app.cli.fuzz",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's interface
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's interface
        if cmd_name not in self._modules:
            return None
        import importlib

        command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flows-server", prog_name="flows", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Serve authentik's flows API from its OpenAPI contract.

    Settings are environment variables that begin with FLOWS_; docs/settings.md lists them.
    """
    if context.invoked_subcommand is None or "--help" in sys.argv or "-h" in sys.argv:
        return
    try:
        context.obj = Settings.from_environment(os.environ)
    except SettingsError as error:
        click.echo(f"flows: {error}", err=True)
        context.exit(2)


def main() -> None:
    """Run the command line. Exits 0 on success, 1 on failure, 2 on wrong usage."""
    from app.errors import DomainError, Unavailable, Unfit

    try:
        cli()
    except Unfit as error:
        click.echo(f"flows: {error}", err=True)
        sys.exit(1)
    except Unavailable as error:
        # libpq's message has several lines.
        click.echo(f"flows: the database is not available: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except DomainError as error:
        click.echo(f"flows: {error}", err=True)
        sys.exit(1)
