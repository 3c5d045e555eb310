"""`flows bundle`: the contract as one document."""

import click

from app.settings import Settings


@click.command(short_help="Print the contract as one document.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="Output format. YAML is the unchanged file if the contract is a single one.",
)
@click.option("--version", help="The version of the contract, such as 2025.12. Default: that of the first file.")
@click.pass_obj
def command(settings: Settings, form: str, version: str | None) -> None:
    """Print the contract, with all files that it refers to, as one document.

    Example: flows bundle --version 2025.12 --format json > contract.json
    """
    import orjson

    from app.cli.findings import exit_on_findings
    from app.contract.document.versions import UnknownVersion, read

    try:
        with exit_on_findings():
            contract = read(settings.contract, version)
    except UnknownVersion as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        text = orjson.dumps(contract.document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        text = contract.text
    click.echo(text, nl=False)
