"""Access of blueprints to environment variables and files: none, unless the operator allows it for a command."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from app.blueprints.findings import Place, finding

MAX_FILE = 1024 * 1024
"""The maximum size of a file for `!File`, in bytes."""

_REFUSED = {
    "!Env": "!Env is refused: this server reads no environment for a blueprint. Write the value, use !Context, or allow it to"
    " `flows import` or `flows serve --seed` by --allow-env.",
    "!File": "!File is refused: this server reads no files for a blueprint. Write the value, use !Context, or allow a folder to"
    " `flows import` or `flows serve --seed` by --allow-files.",
}


@dataclass(frozen=True, slots=True)
class HostAccess:
    """The access of a blueprint to the host.

    :param env: whether `!Env` may read the environment
    :param folders: the folders whose files `!File` may read
    :param optional: whether a tag that may not read is allowed, and has its default
    """

    env: bool = False
    folders: tuple[Path, ...] = ()
    optional: bool = False

    def objection(self, tag: str) -> str | None:
        """The reason to reject `!Env` or `!File`; None if the tag is allowed."""
        return None if self.optional else self.refusal(tag)

    def refusal(self, tag: str) -> str | None:
        """The reason why a tag may not read what it names, None if it may."""
        return None if {"!Env": self.env, "!File": bool(self.folders)}.get(tag, True) else _REFUSED[tag]

    def variable(self, name: str, place: Place) -> str | None:
        """An environment variable, None if it is not set or empty (authentik takes the default for both).

        :raises BlueprintError: its value is not UTF-8
        """
        value = os.environ.get(name) if self.env and "\0" not in name else None
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            raise finding(place, f"The variable {name} is not UTF-8 text.") from error
        return value or None

    def file(self, path: str, place: Place) -> str | None:
        """The text of a file in the folders, stripped of white space; None if there is no such file, or no folder.

        :param path: absolute, or relative to one of the folders
        :raises BlueprintError: it is outside of them, is not a regular file, is too large, or is not UTF-8 text
        """
        if "\0" in path:
            raise finding(place, "The path of a file has no NUL in it.")
        found = [real for folder in self.folders if (real := _within(folder.resolve(), path)) is not None]
        if not found and self.folders:
            raise finding(place, f"{path!r} is in none of the folders that --allow-files names.")
        for real in found:
            try:
                return _read(real, place).decode().strip()
            except UnicodeDecodeError as error:
                raise finding(place, f"{path!r} is not UTF-8 text.") from error
            except FileNotFoundError:
                continue
            except OSError as error:
                raise finding(place, f"{path!r} can't be read: {error.strerror}.") from error
        return None


def _within(folder: Path, path: str) -> Path | None:
    """Resolve the links of a path, None if it is outside of a folder."""
    try:
        real = (folder / path).resolve()
    except (OSError, RuntimeError):
        # The links are cyclic.
        return None
    return real if real.is_relative_to(folder) else None


def _read(path: Path, place: Place) -> bytes:
    # Opening a pipe would block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise finding(place, f"{path.name!r} is not a regular file.")
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise finding(place, f"{path.name!r} is larger than {MAX_FILE} bytes.")
    return content
