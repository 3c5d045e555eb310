"""`flows coverage`: the share of the contract that recorded requests exercise."""

import json
from typing import Any

import click

from app.settings import Settings


@click.command(short_help="Report what clients have exercised of the contract.")
@click.argument("url", required=False)
@click.option(
    "--min", "least", type=click.FloatRange(0, 100), default=0.0, metavar="PERCENT", help="Exit 1 below this share."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(settings: Settings, url: str | None, least: float, form: str) -> None:
    """Report which share of the contract clients have exercised, and list what is missing.

    URL is a server that records: `flows dev`, or `flows serve --record`. The default is the one on FLOWS_HOST and FLOWS_PORT. Exits
    1 below the share of --min, or if the server does not record.

    Example: flows coverage --min 95
    """
    coverage = _coverage(url or _own_url(settings))
    missing = coverage["points"] - coverage["exercised"]
    if form == "json":
        click.echo(json.dumps(coverage, indent=2))
    else:
        _print(coverage)
    if 100 * coverage["exercised"] < least * coverage["points"]:
        click.echo(f"flows: {coverage['percent']} % is less than {least:g} %: {missing} are missing.", err=True)
        raise SystemExit(1)


def _coverage(url: str) -> dict[str, Any]:
    from app.conformance.raw_http import RawClient

    try:
        response = RawClient(url).send("GET", "/contract/coverage.json")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error
    if response.status != 200:
        raise click.ClickException(f"{url} records nothing. Start it with `flows serve --record`, or `flows dev`.")
    coverage: dict[str, Any] = response.json()
    return coverage


def _own_url(settings: Settings) -> str:
    return f"http://{settings.url_host}:{settings.port}"


def _print(coverage: dict[str, Any]) -> None:
    for one in coverage["operations"]:
        if one["missing"]:
            click.echo(f"{one['operation']}: {one['exercised']} of {one['points']}, {one['calls']} calls")
            for point in one["missing"]:
                click.echo(f"  never: {point}")
    click.echo(f"{coverage['exercised']} of {coverage['points']} exercised: {coverage['percent']} %")
