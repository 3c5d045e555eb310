"""File modes that keep a store private: it holds the digests of tokens, and all uploads."""

import contextlib
import os
import stat
from pathlib import Path

# The permission bits of group and others (POSIX).
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, for the owner only. :raises OSError: it can't be created"""
    for missing in [one for one in (folder, *folder.parents) if not one.exists()][::-1]:
        missing.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def make_file(path: Path) -> None:
    """Create an empty file, which SQLite takes for a new database, unless it exists. SQLite gives its WAL the same mode."""
    with contextlib.suppress(OSError):
        # An error is reported by SQLite when it opens the file.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR))


def open_to_others(store: Path) -> dict[Path, str]:
    """The files and the folder of a store that other users may access, each with its correct mode, for `chmod`.

    A folder with another owner, or with the sticky bit, such as `/tmp`, is left out.
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
