"""Options of commands that apply blueprints."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class BlueprintOptions:
    """Options for blueprints that only the operator of the machine may set.

    :param env: whether `!Env` may read the environment
    :param folders: the folders whose files `!File` may read
    :param skip_unknown: whether entries that need something unknown here are skipped
    """

    env: bool = False
    folders: tuple[Path, ...] = ()
    skip_unknown: bool = False

    def __bool__(self) -> bool:
        return self.env or bool(self.folders) or self.skip_unknown


NOTHING = BlueprintOptions()


def blueprint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `BlueprintOptions` to a command, which gets them as `allowed`."""

    @click.option("--allow-env", is_flag=True, help="Let !Env in blueprints read the environment.")
    @click.option(
        "--allow-files",
        metavar="DIR",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Let !File in blueprints read the files of this folder. May be repeated.",
    )
    @click.option(
        "--skip-unknown",
        is_flag=True,
        help="Skip entries that need what does not exist here, such as a model, instead of rejecting the blueprint.",
    )
    @functools.wraps(command)
    def with_options(
        *args: Any, allow_env: bool, allow_files: tuple[Path, ...], skip_unknown: bool, **rest: Any
    ) -> None:
        command(*args, allowed=BlueprintOptions(allow_env, allow_files, skip_unknown), **rest)

    return with_options
