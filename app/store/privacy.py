"""A store is its owner's alone: it has the digests of tokens, and all that was uploaded."""

import contextlib
import os
import stat
from pathlib import Path

# What the owner's group and others may do with a file.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, whatever the umask. :raises OSError: it can't be made"""
    for missing in [one for one in (folder, *folder.parents) if not one.exists()][::-1]:
        missing.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file, which SQLite takes for a new database, unless there is one. Its log gets the same mode."""
    with contextlib.suppress(OSError):
        # SQLite has words of its own for what goes wrong here.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR))


def open_to_others(store: Path) -> dict[Path, str]:
    """The files of a store, and its folder, that others may use: the mode that each should have, as `chmod` takes it.

    A folder of somebody else, or one that all share, as `/tmp`, is none of the store's.
    """
    found = {}
    owner = store.stat().st_uid
    for path, mode in ((store.parent, "700"), *((Path(f"{store}{suffix}"), "600") for suffix in ("", "-wal", "-shm"))):
        with contextlib.suppress(FileNotFoundError):
            kept = path.stat()
            shared = kept.st_mode & stat.S_ISVTX or kept.st_uid != owner
            if kept.st_mode & _OTHERS and not shared:
                found[path] = mode
    return found
