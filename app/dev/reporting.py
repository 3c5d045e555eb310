"""Terminal messages of `flows dev` about the contract."""

import sys
from collections.abc import Sequence

import click

from app.contract.document.code_frames import CodeFrame


def print_served(name: str, milliseconds: float) -> None:
    """Report that a contract is served."""
    click.secho(f"{name} is served, after {milliseconds:.0f} ms.", fg="green", file=sys.stderr)


def print_findings(findings: Sequence[CodeFrame], *, served: bool) -> None:
    """Print findings with places and remedies.

    :param served: whether another contract is active meanwhile
    """
    _print(findings)
    if served:
        click.secho(
            "The last good contract is still served; answers say `X-Contract-State: stale`. Save a correction to end that.",
            fg="yellow",
            file=sys.stderr,
        )
    else:
        click.secho("Nothing is served until a correction is saved.", fg="yellow", file=sys.stderr)


def print_versions_findings(findings: Sequence[CodeFrame]) -> None:
    """Print findings of overlays with places and remedies."""
    _print(findings)
    said = "This version and later ones can't be served: requests for them get 503. Save a correction to end that."
    click.secho(said, fg="yellow", file=sys.stderr)


def print_versions() -> None:
    """Report that all versions can be served again."""
    click.secho("All versions can be served again.", fg="green", file=sys.stderr)


def _print(findings: Sequence[CodeFrame]) -> None:
    for finding, lines in findings:
        click.secho(str(finding), fg="red", file=sys.stderr)
        if lines:
            click.echo(lines, file=sys.stderr)
