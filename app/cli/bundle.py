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
@click.pass_obj
def command(settings: Settings, form: str) -> None:
    """Print the contract, with all files that it refers to, as one document.

    Example: flows bundle --format json > contract.json
    """
    import orjson

    from app.cli.findings import exit_on_findings
    from app.contract.document.bundling import read

    with exit_on_findings():
        contract = read(settings.contract)
    if form == "json":
        text = orjson.dumps(contract.document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        text = contract.text
    click.echo(text, nl=False)
