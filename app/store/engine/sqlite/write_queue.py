"""The queue of the writers of a SQLite database, with one place: SQLite itself lets a busy process write again and again."""

import contextlib
import fcntl
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path


class WriteQueue:
    """The place of the next writer of all threads and processes of a server. It is advisory: a writer may take SQLite's lock
    without it.
    """

    def __init__(self) -> None:
        self._thread = threading.Lock()
        self._file: int | None = None

    def share(self) -> None:
        """Share the place with processes forked from now on. The kernel clears it when its holder ends (POSIX, `fcntl`)."""
        if self._file is None:
            self._file, name = tempfile.mkstemp(prefix="flows-")
            Path(name).unlink()
            weakref.finalize(self, os.close, self._file)

    def enter(self) -> bool:
        """Take the place, unless it is taken. :returns: whether it is the caller's now"""
        if not self._thread.acquire(blocking=False):
            return False
        try:
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._thread.release()
            return False
        return True

    def leave(self) -> None:
        """Clear the place."""
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._thread.release()

    def is_taken(self) -> bool:
        """Whether a writer has the place."""
        if self.enter():
            self.leave()
            return False
        return True

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Hold the place while waiting for the lock, if it is free."""
        if not self.enter():
            yield
            return
        try:
            yield
        finally:
            self.leave()
