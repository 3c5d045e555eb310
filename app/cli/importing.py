"""`flows import`: apply authentik's blueprints to the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from app.cli.blueprint_options import NOTHING, BlueprintOptions, blueprint_options
from app.logs import printable
from app.settings import Settings
from app.store import Store


@click.command("import", short_help="Apply blueprints.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@blueprint_options
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...], allowed: BlueprintOptions) -> None:
    """Apply blueprints, each in one transaction.

    Files that need each other may be given in any order. Valid files are applied even if others are not. Exits 1 if any is not.

    Example: flows import docs/examples/welcome.yaml
    """
    from app.cli.start import contract_or_exit, store_or_exit

    store = store_or_exit(settings, contract_or_exit(settings))
    try:
        if not apply(store, read(files), allowed):
            raise SystemExit(1)
    finally:
        store.close()


def apply(store: Store, texts: Mapping[str, bytes], allowed: BlueprintOptions = NOTHING, *, err: bool = False) -> bool:
    """Apply blueprints in the order of their dependencies, and print the outcome of each.

    :param texts: the blueprints by name
    :param allowed: the options for blueprints
    :param err: whether to print to standard error only
    :returns: whether all were applied
    """
    from app.blueprints.host_access import HostAccess
    from app.blueprints.import_order import apply_all

    host = HostAccess(allowed.env, allowed.folders)
    outcomes = apply_all(store, texts, host=host, skip_unknown=allowed.skip_unknown)
    for name, outcome in outcomes.items():
        for line in sorted(outcome.findings):
            _tell(f"{name}:{line}")
        for line in sorted(outcome.notes):
            _tell(f"{name}:{line.place}: note: {line.message}")
        if not outcome.success:
            continue
        entries = [
            log for log in outcome.logs if "entry" in log["attributes"] and log["attributes"]["action"] != "note"
        ]
        done = Counter(log["attributes"]["action"] for log in entries)
        click.echo(
            f"{name}: {', '.join(f'{count} {action}' for action, count in done.items()) or 'nothing to do'}", err=err
        )
        for log in entries:
            if allowed.skip_unknown and log["attributes"]["action"] == "skipped":
                _tell(f"{name}:{log['event']}")
    return all(outcome.success for outcome in outcomes.values())


def _tell(line: str) -> None:
    """Print a line to standard error, escaped, as a blueprint may come from anywhere."""
    click.echo(printable(line), err=True)


def read(files: Sequence[Path]) -> Mapping[str, bytes]:
    """Read files. :returns: their contents by name :raises ClickException: one can't be read"""
    try:
        return {str(file): file.read_bytes() for file in files}
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be read: {error.strerror}.") from error
