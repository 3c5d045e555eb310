"""`flows diff`: what a change of the contract means to those who use the API."""

import datetime as dt
from pathlib import Path, PurePath

import click

from app.settings import Settings

WAIVERS = "waivers.yaml"


@click.command()
@click.argument("base", required=False)
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "safe", "docs", "none"]),
    default="breaking",
    show_default=True,
    help="The least rating of a finding that makes this exit 1.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "github"]),
    default="text",
    show_default=True,
    help="Text, Markdown for a pull request, JSON, or GitHub's annotations.",
)
@click.option(
    "--traffic",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recorded requests to try on both contracts: a HAR file, or cases as in tests/oracle/cases.jsonl; may be repeated.",
)
@click.option(
    "--waivers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Findings that are accepted; waivers.yaml beside the contract if not given.",
)
@click.pass_obj
def command(
    settings: Settings, base: str | None, fail_on: str, form: str, traffic: tuple[Path, ...], waivers: Path | None
) -> None:
    """Say what differs between the contract and BASE, and whom it breaks.

    BASE is a revision of git, or a file with an earlier contract; the commit in which the branch left the main branch if it is not
    given. Each finding is rated: breaking (a client that works today may not work any more), safe, or docs.

    Example: flows diff v1.2 --traffic recorded.har
    """
    from app.cli.findings import told_of
    from app.contract.bundling import read
    from app.review.base import NoBase, base_contract, usable
    from app.review.comparing.differences import Rating
    from app.review.evidence import weigh
    from app.review.formats import FORMATS
    from app.review.report import report
    from app.review.traffic import NoTraffic, read_traffic
    from app.review.waivers import read_waivers

    try:
        left_out: list[str] = []
        exchanges = [exchange for path in traffic for exchange in read_traffic(path, left_out)]
        with told_of():
            new = usable(read(settings.contract))
            path = waivers or settings.contract.parent / WAIVERS
            name = str(waivers or PurePath(new.name).parent / WAIVERS)
            accepted = read_waivers(path, name) if path.exists() else []
            with base_contract(base, settings.contract) as (old, notes):
                evidence = weigh(old, new, exchanges, left_out) if traffic else None
                found = report(old, new, accepted, dt.date.today(), evidence, notes)
    except (NoBase, NoTraffic) as error:
        raise click.UsageError(str(error)) from error
    click.echo(FORMATS[form](found), nl=False)
    if found.fails(None if fail_on == "none" else Rating[fail_on.upper()]):
        raise SystemExit(1)
