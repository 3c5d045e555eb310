"""`flows import`: apply authentik's blueprints to the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from app.logs import printable
from app.settings import Settings
from app.store import Store


@click.command("import", short_help="Apply blueprints.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...]) -> None:
    """Apply blueprints, each as a whole or not at all.

    Files that need one another may be given in any order. Those that are right are applied, though others are wrong.

    Example: flows import docs/examples/welcome.yaml
    """
    from app.cli.start import contract_or_exit, store_or_exit

    store = store_or_exit(settings, contract_or_exit(settings))
    try:
        if not apply_files(store, files):
            raise SystemExit(1)
    finally:
        store.close()


def apply_files(store: Store, files: Sequence[Path]) -> bool:
    """Apply blueprints in the order in which they need one another, and say what became of each.

    :returns: whether all were applied
    """
    from app.blueprints.several import apply_all

    outcomes = apply_all(store, {str(file): text for file, text in _read(files).items()})
    for name, outcome in outcomes.items():
        if outcome.success:
            done = Counter(log["attributes"]["action"] for log in outcome.logs)
            click.echo(f"{name}: {', '.join(f'{count} {action}' for action, count in done.items()) or 'nothing to do'}")
        for mistake in outcome.mistakes:
            # A blueprint may come from anywhere.
            click.echo(printable(f"{name}:{mistake}"), err=True)
    return all(outcome.success for outcome in outcomes.values())


def _read(files: Sequence[Path]) -> Mapping[Path, bytes]:
    try:
        return {file: file.read_bytes() for file in files}
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be read: {error.strerror}.") from error
