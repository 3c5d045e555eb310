"""Options that override settings."""

import functools
import os
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from app.settings import PREFIX, Settings, SettingsError

_SHORT = {"port": "-p"}


def overriding(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add an option for each of some settings to a command, whose first argument is the settings.

    Processes that the command starts find the values in the environment.
    """
    meanings = {setting.name: setting.metadata["meaning"] for setting in fields(Settings)}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_options(settings: Settings, *args: Any, **given: Any) -> None:
            for name in names:
                if (text := given.pop(f"setting_{name}")) is not None:
                    os.environ[PREFIX + name.upper()] = text
                    settings = _read(name)
            command(settings, *args, **given)

        for name in reversed(names):
            described = f"{meanings[name]} Default: {PREFIX}{name.upper()}."
            flags = [f"--{name}", *([_SHORT[name]] if name in _SHORT else [])]
            with_options = click.option(*flags, f"setting_{name}", metavar=name.upper(), help=described)(with_options)
        return with_options

    return decorate


def _read(name: str) -> Settings:
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error).replace(PREFIX + name.upper(), f"--{name}", 1)) from error
