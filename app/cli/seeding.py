"""The option --seed of commands that serve: blueprints that are applied before the first request."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from app.cli.blueprint_options import BlueprintOptions, blueprint_options
from app.store import Store

_DEFAULT = "default"
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Seed:
    """Blueprints to apply.

    :param folder: the folder with the blueprints; None for the flows of a new authentik
    :param allowed: the options for blueprints
    """

    folder: Path | None
    allowed: BlueprintOptions

    def apply_or_exit(self, store: Store) -> None:
        """Apply the blueprints, and report them on standard error; exit 1 if one can't be applied."""
        from app.cli.importing import apply, read

        if self.folder is None:
            from app.blueprints import DEFAULT

            # The default flows are authentik's; the contract may serve a part of them.
            allowed = replace(self.allowed, skip_unknown=True)
            done = apply(store, {_DEFAULT: DEFAULT.read_bytes()}, allowed, err=True)
        else:
            done = apply(store, read(_blueprints(self.folder)), self.allowed, err=True)
        if not done:
            raise SystemExit(1)


def _blueprints(folder: Path) -> list[Path]:
    """The blueprints in a folder and its subfolders; other files are reported, except hidden ones."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    found = [path for path in files if path.suffix in _SUFFIXES]
    for path in files:
        if path not in found:
            click.echo(f"{path}: skipped, as its name ends neither in .yaml nor in .yml", err=True)
    if not found:
        click.echo(f"{folder}: no blueprint, nothing is applied", err=True)
    return found


class _Folder(click.Path):
    """A folder, or `default`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return _DEFAULT if value == _DEFAULT else super().convert(value, param, ctx)


def seeding(command: Callable[..., None]) -> Callable[..., None]:
    """Add --seed and the options for blueprints to a command, which gets a `Seed` or None as `seed`."""

    @click.option(
        "--seed",
        "folder",
        metavar="DIR",
        type=_Folder(exists=True, file_okay=False, path_type=Path),
        help="Apply the blueprints of this folder and its subfolders (*.yaml, *.yml) first. An error in one stops the start."
        " `default` stands for the flows of a new authentik.",
    )
    @blueprint_options
    @functools.wraps(command)
    def with_options(*args: Any, folder: Path | str | None, allowed: BlueprintOptions, **rest: Any) -> None:
        if allowed and folder is None:
            raise click.UsageError("--allow-env, --allow-files and --skip-unknown are for the blueprints of --seed.")
        seed = None if folder is None else Seed(folder if isinstance(folder, Path) else None, allowed)
        command(*args, seed=seed, **rest)

    return with_options
