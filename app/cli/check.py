"""`flows check`: the boot checks of all versions, and openapi-spec-validator, which is too slow for each start."""

import click

from app.settings import Settings


@click.command(short_help="Check the contract and the code that serves it.")
@click.option("--store", is_flag=True, help="Also check the stored objects. Changes nothing.")
@click.pass_obj
def command(settings: Settings, *, store: bool) -> None:
    """Check the contract with all its versions, and the code that serves it, without starting a server.

    Prints one line per finding: file:line:column, what is wrong, what to do. Exits 1 if there are any.

    Example: FLOWS_CONTRACT=changed.yaml flows check
    """
    from app.application import load_contract, load_versions
    from app.cli.findings import exit_on_findings
    from app.cli.start import existing_or_exit
    from app.contract.checks import Draft
    from app.contract.document.contract import Contract

    def say(name: str, checked: Contract) -> None:
        click.echo(f"{name}: {sum(1 for _ in checked.operations())} operations, nothing found.")

    draft = Draft()
    with exit_on_findings(err=False):
        contract = load_contract(settings, thorough=True, draft=draft)
        say(contract.name, contract)
        stored = existing_or_exit(settings, contract) if store else None
        for version in load_versions(settings, draft):
            say(version.sources[-1].name, version)
    if stored is not None:
        from app.cli.stored import list_violations

        list_violations(stored, contract)
