"""A store in memory (`sqlite:///:memory:`): a temporary file, as processes and threads can't share memory of SQLite."""

import atexit
import contextlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from app.settings import PREFIX, Settings
from app.store.engine.address import address_of


def with_file(settings: Settings) -> Settings:
    """Give a store in memory a temporary file, removed at the end of this process.

    Processes started from now on find it in the environment.

    :returns: the settings with its URL; unchanged if they name another or an invalid store
    """
    with contextlib.suppress(ValueError):
        address = address_of(settings.database_url)
        if address.in_memory:
            folder = Path(tempfile.mkdtemp(prefix="flows-"))
            atexit.register(_remove, folder, os.getpid())
            url = f"sqlite:///{folder / 'flows.sqlite3'}"
            os.environ[f"{PREFIX}DATABASE_URL"] = url
            return replace(settings, database_url=url)
    return settings


def _remove(folder: Path, owner: int) -> None:
    # Forked workers exit, too.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
