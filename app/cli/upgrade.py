"""`flows upgrade`: the recorded requests of a client that another version breaks."""

from pathlib import Path

import click

from app.settings import Settings


@click.command(short_help="Try recorded requests on another version.")
@click.argument("old")
@click.argument("new")
@click.option(
    "--traffic",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The recorded requests: a HAR file, such as that of a server with `--record`. May be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Text, Markdown for a ticket, or JSON.",
)
@click.option("--strict", is_flag=True, help="New properties break the client: it rejects those that it does not know.")
@click.pass_obj
def command(settings: Settings, old: str, new: str, traffic: tuple[Path, ...], form: str, *, strict: bool) -> None:
    """Report what the upgrade from version OLD to version NEW breaks for a client.

    The requests of the recording are carried out by both versions, each on an empty store of its own, and the responses are
    compared. Nothing else is read or changed. Exits 1 if anything breaks, 2 if nothing could be compared.

    Example: flows upgrade 2024.8 2026.8 --traffic my.har
    """
    from app import logs
    from app.cli.findings import exit_on_findings
    from app.cli.start import load_version
    from app.contract.document.versions import UnknownVersion
    from app.review.traffic import NoTraffic, read_traffic
    from app.upgrade.carrying_out import carry_out
    from app.upgrade.formats import FORMATS

    # The requests are not those of users.
    logs.configure("error", settings.log_format)
    left_out: list[str] = []
    try:
        exchanges = [exchange for path in traffic for exchange in read_traffic(path, left_out)]
        with exit_on_findings():
            result = carry_out(settings, old, new, exchanges, load_version(settings), left_out, strict=strict)
    except (NoTraffic, UnknownVersion) as error:
        raise click.UsageError(str(error)) from error
    click.echo(FORMATS[form](result), nl=False)
    if result.broken or result.is_empty:
        raise SystemExit(1 if result.broken else 2)
