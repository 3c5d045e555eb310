"""`flows coverage`: the share of the contract that recorded requests exercise."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import click

from app.settings import Settings


@click.command(short_help="Report what clients have exercised of the contract.")
@click.argument("url", required=False)
@click.option("--operation", multiple=True, metavar="PATTERN", help="Only operations such as flows_*. May be repeated.")
@click.option("--tag", multiple=True, help="Only operations with this tag. May be repeated.")
@click.option("--called", is_flag=True, help="Only operations that were called.")
@click.option(
    "--kind",
    multiple=True,
    type=click.Choice(["status", "parameter", "member"]),
    help="Only points of this kind. May be repeated.",
)
@click.option(
    "--ignore", multiple=True, metavar="PATTERN", help="Without points such as 'status 403'. May be repeated."
)
@click.option(
    "--min", "least", type=click.FloatRange(0, 100), default=0.0, metavar="PERCENT", help="Exit 1 below this share."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "details", "json", "junit", "github"]),
    default="text",
    show_default=True,
    help="A summary, all that is missing, JSON, JUnit, or annotations of GitHub.",
)
@click.pass_obj
def command(settings: Settings, /, url: str | None, *, least: float, form: str, **selection: Any) -> None:
    """Report which share of the contract clients have exercised, and what is missing.

    URL is a server that records: `flows dev`, or `flows serve --record`. The default is the one on FLOWS_HOST and FLOWS_PORT. Exits
    1 below the share of --min, or if the server does not record, and 2 if the options select nothing.

    Example: flows coverage --tag flows --called --min 95
    """
    from app.cli.coverage_reports import REPORTS

    coverage = _coverage(url or f"http://{settings.url_host}:{settings.port}", selection)
    if not coverage["points"]:
        raise click.UsageError(
            "Nothing is selected" + (", as no such operation was called." if selection["called"] else ".")
        )
    click.echo(json.dumps(coverage, indent=2) if form == "json" else REPORTS[form](coverage, least))
    if 100 * coverage["exercised"] < least * coverage["points"]:
        missing = coverage["points"] - coverage["exercised"]
        click.echo(f"flows: {coverage['percent']} % is less than {least:g} %: {missing} are missing.", err=True)
        raise SystemExit(1)


def _coverage(url: str, selection: Mapping[str, Sequence[str] | bool]) -> dict[str, Any]:
    from app.conformance.raw_http import RawClient

    query = urlencode({**selection, "called": "yes" if selection["called"] else ""}, doseq=True)
    try:
        response = RawClient(url).send("GET", f"/contract/coverage.json?{query}")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error
    if response.status != 200:
        raise click.ClickException(f"{url} records nothing. Start it with `flows serve --record`, or `flows dev`.")
    coverage: dict[str, Any] = response.json()
    return coverage
