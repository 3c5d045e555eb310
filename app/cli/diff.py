"""`flows diff`: the effects of a change of the contract on users of the API."""

import datetime as dt
from dataclasses import replace
from pathlib import Path, PurePath

import click

from app.settings import Settings

WAIVERS = "waivers.yaml"


@click.command(short_help="Rate the changes between two contracts.")
@click.argument("base", required=False)
@click.argument("target", required=False)
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "safe", "docs", "none"]),
    default="breaking",
    show_default=True,
    help="Exit 1 for findings of this rating or a higher one.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "github"]),
    default="text",
    show_default=True,
    help="Text, Markdown for a pull request, JSON, or GitHub annotations.",
)
@click.option(
    "--traffic",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recorded requests to try on both contracts: a HAR file, or cases as in tests/oracle/cases.jsonl. May be repeated.",
)
@click.option(
    "--operations", multiple=True, metavar="PATTERN", help="Only what affects these operations, such as 'flows_*'."
)
@click.option("--tag", "tags", multiple=True, help="Only what affects operations with this tag. May be repeated.")
@click.option("--store", is_flag=True, help="Also report effects on stored objects. Changes nothing.")
@click.option(
    "--waivers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of accepted findings. Default: waivers.yaml beside the contract.",
)
@click.pass_obj
def command(
    settings: Settings,
    base: str | None,
    target: str | None,
    fail_on: str,
    form: str,
    traffic: tuple[Path, ...],
    operations: tuple[str, ...],
    tags: tuple[str, ...],
    waivers: Path | None,
    *,
    store: bool,
) -> None:
    """List the differences between TARGET and BASE, and whom they break.

    BASE is a version of the contract, a git revision, or a file with an earlier contract. The default is the commit in which the
    branch left the main branch. TARGET is a version; the default is the contract. Between versions, each finding has the
    sentence of its overlay. Each finding has a rating: breaking (a client that works today may fail), safe, or docs.

    Example: flows diff 2024.8 2026.8 --tag flows
    """
    from app.cli.findings import exit_on_findings
    from app.cli.start import contract_or_exit, existing_or_exit
    from app.contract.document.versions import UnknownVersion, read
    from app.review.base import NoBase, base_contract, usable
    from app.review.comparing.differences import Rating
    from app.review.evidence import rate
    from app.review.formats import FORMATS
    from app.review.narrowing import Narrowing
    from app.review.report import report
    from app.review.stored import compare_stored
    from app.review.traffic import NoTraffic, read_traffic
    from app.review.waivers import read_waivers

    try:
        left_out: list[str] = []
        exchanges = [exchange for path in traffic for exchange in read_traffic(path, left_out)]
        with exit_on_findings():
            new = usable(read(settings.contract, target))
            if store:
                # Stored objects can only be checked against a contract that can be served.
                contract_or_exit(replace(settings, version=target or ""))
            database = existing_or_exit(settings, new).database if store else None
            path = waivers or settings.contract.parent / WAIVERS
            name = str(waivers or PurePath(new.name).parent / WAIVERS)
            # Waivers are for changes of the first version.
            accepted = read_waivers(path, name) if path.exists() and (waivers or not target) else []
            with base_contract(base, settings.contract) as (old, notes):
                evidence = rate(old, new, exchanges, left_out) if traffic else None
                stored = compare_stored(old, new, database) if database is not None else None
                use = Narrowing(operations, tags)
                if unknown := list(use.unknown(old, new)):
                    raise click.UsageError(f"No operation has such a name or tag: {', '.join(unknown)}.")
                found = report(old, new, accepted, dt.date.today(), evidence, notes, stored, use)
    except (NoBase, NoTraffic, UnknownVersion) as error:
        raise click.UsageError(str(error)) from error
    click.echo(FORMATS[form](found), nl=False)
    if found.fails(None if fail_on == "none" else Rating[fail_on.upper()]):
        raise SystemExit(1)
