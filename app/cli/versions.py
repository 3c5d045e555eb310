"""`flows versions`: the versions of the contract, and the changes of each."""

from collections.abc import Iterator

import click

from app.contract.document.overlays import Overlay
from app.settings import Settings


@click.command(short_help="List the versions of the contract.")
@click.argument("version", required=False)
@click.pass_obj
def command(settings: Settings, version: str | None) -> None:
    """List the versions of the contract, oldest first, with what each changes.

    VERSION lists the changes of one version only.

    Example: flows versions 2025.12
    """
    from app.cli.findings import exit_on_findings
    from app.contract.document.overlays import minor, version_named
    from app.contract.document.versions import overlays, read

    with exit_on_findings():
        changed = {overlay.version: overlay for overlay in overlays(settings.contract)}
        first = read(settings.contract).release
        # Whether they can be applied as well.
        read(settings.contract, list(changed)[-1] if changed else None)
    version = version_named(version) if version is not None else None
    if version not in (None, minor(first), *changed):
        raise click.UsageError(f"No overlay makes the version {version!r}. Those that do: {', '.join(changed)}.")
    if version in (None, minor(first)):
        click.echo(f"{minor(first)} (authentik {first})")
    for name, overlay in changed.items():
        if version in (None, name):
            click.echo(f"{name} (authentik {overlay.release})")
            for text in dict.fromkeys(_changes(overlay)):
                click.echo(f"  - {text}")


def _changes(overlay: Overlay) -> Iterator[str]:
    """The changes of a version, in plain words."""
    from app.contract.document.versions import kinds

    first, *others = [action["description"] for _, action in overlay.actions]
    yield first
    for kind in kinds(overlay):
        yield f"New: {kind.document['names']['many']} ({kind.document['path']}). {kind.document['description']}"
    yield from others
