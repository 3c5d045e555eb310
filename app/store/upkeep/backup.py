"""Check, backup and restore of the file of a SQLite store."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app import errors
from app.store.engine.sqlite.privacy import make_folder
from app.store.upkeep import migration

# The maximum size of a file, in bytes, that each start checks completely: it takes less than a tenth of a second.
QUICKLY_CHECKED = 32 * 1024 * 1024

# How long to wait for other processes to close a store, in seconds. Servers keep it open.
_PATIENCE = 5

_OF_A_STORE = "Stop every server on it and put a backup in its place: `flows restore FILE --replace`."
_OF_A_BACKUP = "Use another backup."


def check(store: Path, *, thorough: bool = False) -> None:
    """Check the integrity of a store. A missing file is valid.

    :param thorough: whether to check all of it, whatever its size, and to compare indexes with tables
    :raises StoreUnusable: it is damaged
    :raises Unavailable: it can't be read, or is locked
    """
    if not os.access(store.parent, os.W_OK):
        raise errors.Unavailable(f"{store.parent} can't be written to, and a store has files of its own beside it.")
    if not store.exists():
        return
    with opened(store, _OF_A_STORE) as connection:
        if thorough:
            _check(connection, store, _OF_A_STORE)
        elif store.stat().st_size <= QUICKLY_CHECKED:
            _reject_damaged(_value(connection, "PRAGMA quick_check(1)"), store, _OF_A_STORE)


def back_up(store: Path, file: Path) -> str:
    """Copy a snapshot of a store, also while servers write to it. An existing file is replaced by a complete one.

    :returns: the revision of its tables
    :raises StoreUnusable: there is no valid store, or the file can't be written
    """
    if file.exists() and (Path(f"{file}-wal").exists() or file.samefile(store)):
        raise errors.StoreUnusable(f"{file} is a store itself. Give the backup another name.")
    with opened(store, _OF_A_STORE) as source, _replacing(file) as copy:
        return _copy(source, copy, store, _OF_A_STORE)


def restore(file: Path, store: Path, upgrade: Callable[[Path], None], *, replace: bool) -> str:
    """Replace a store by a backup.

    :param upgrade: migrates a store to this version
    :param replace: whether to overwrite an existing store
    :returns: the revision of the backup's tables
    :raises StoreUnusable: the backup is damaged, or of a newer version; or the existing store is in use, of a newer version, or
        must not be overwritten; or the store can't be written
    """
    if store.exists() and not replace:
        raise errors.StoreUnusable(
            f"There is a store at {store}, and what it has that the backup has not would be lost. Keep a copy with `flows backup`,"
            " then give --replace."
        )
    with opened(file, _OF_A_BACKUP) as source, _replacing(store) as copy:
        revision = _copy(source, copy, file, _OF_A_BACKUP)
        upgrade(copy)
        _give_up(store)
    return revision


def _copy(source: sqlite3.Connection, copy: Path, path: Path, advice: str) -> str:
    """Copy all pages, and check their integrity. :returns: the revision"""
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as target:
        try:
            source.backup(target)
        except sqlite3.OperationalError as error:
            raise errors.StoreUnusable(f"{path} can't be copied: {error}.") from error
        _check(target, path, advice)
        revision = _revision(target)
    if revision is None:
        raise errors.StoreUnusable(f"{path} is not a store of this server.")
    migration.reject_newer(revision, str(path))
    return revision


def _give_up(store: Path) -> None:
    """Close an existing store. Its WAL must be removed: SQLite would apply it to the new file."""
    if not store.exists():
        return
    with contextlib.suppress(errors.Damaged), opened(store, _OF_A_STORE) as connection:
        migration.reject_newer(_revision(connection), str(store))
        try:
            # SQLite allows it for the only open connection.
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise errors.StoreUnusable(f"{store} is in use. Stop every server on it first.") from error
    for log in _logs(store):
        log.unlink(missing_ok=True)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Create a store beside a path, private to its owner, and move it there at the end; delete it on an exception."""
    try:
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise errors.StoreUnusable(f"{path} can't be written: {error.strerror}.") from error
    os.close(handle)
    copy = Path(name)
    try:
        yield copy
        with opened(copy, "") as connection:
            # The whole store is in one file then.
            connection.execute("PRAGMA journal_mode = DELETE")
        _sync(copy)
        copy.replace(path)
        _sync(path.parent)
    finally:
        for file in (copy, *_logs(copy)):
            file.unlink(missing_ok=True)


@contextlib.contextmanager
def opened(path: Path, advice: str = _OF_A_STORE) -> Iterator[sqlite3.Connection]:
    """Open an existing store.

    :param advice: what to do if it is damaged
    :raises StoreUnusable: it does not exist, or is damaged
    :raises Unavailable: it can't be read, or is locked
    """
    if not path.exists():
        raise errors.StoreUnusable(f"There is no store at {path}.")
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None
        )
        with contextlib.closing(connection):
            yield connection
    except sqlite3.OperationalError as error:
        raise errors.Unavailable(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise errors.Damaged(f"{path} is damaged: {error}. {advice}") from error


def _check(connection: sqlite3.Connection, path: Path, advice: str) -> None:
    _reject_damaged(_value(connection, "PRAGMA integrity_check(1)"), path, advice)
    if _value(connection, "SELECT count(*) FROM pragma_foreign_key_check"):
        raise errors.Damaged(f"{path} is damaged: rows lead to others that are not there. {advice}")


def _reject_damaged(found: Any, path: Path, advice: str) -> None:
    if found != "ok":
        # The first line names the database, which is always the same one.
        raise errors.Damaged(f"{path} is damaged: {str(found).splitlines()[-1]}. {advice}")


def _revision(connection: sqlite3.Connection) -> str | None:
    """The revision of the tables, None if it has none."""
    if _value(connection, "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'") is None:
        return None
    revision: str | None = _value(connection, "SELECT version_num FROM alembic_version")
    return revision


def _value(connection: sqlite3.Connection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return None if row is None else row[0]


def _logs(store: Path) -> list[Path]:
    """The files of SQLite beside an open store."""
    return [Path(f"{store}{suffix}") for suffix in ("-wal", "-shm", "-journal")]


def _sync(path: Path) -> None:
    """Sync a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
