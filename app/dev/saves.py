"""Watch files for changes."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from watchfiles import watch

# How long a burst of changes may last, and how long a pause ends it, in milliseconds.
_BURST, _QUIET = 90, 8
# How often to look without an event: not every file system sends them, and a folder that was replaced is no longer watched.
_PATIENCE = 1000


def saves(folders: Callable[[], Collection[Path]], stop: threading.Event) -> Iterator[None]:
    """Yield when files in some folders may have changed, and at least once a second, until `stop` is set.

    :param folders: the folders to watch, which may be others after a change
    """
    while not stop.is_set():
        yield
        try:
            watched = _identities(folders())
            for _ in watch(
                *watched,
                watch_filter=None,
                debounce=_BURST,
                step=_QUIET,
                rust_timeout=_PATIENCE,
                yield_on_timeout=True,
                stop_event=stop,
                raise_interrupt=False,
                recursive=False,
            ):
                yield
                if _identities(folders()) != watched:
                    break
        except OSError:
            # A folder is missing, and may be about to be replaced.
            stop.wait(_PATIENCE / 1000)


def _identities(folders: Collection[Path]) -> Mapping[Path, tuple[int, int]]:
    """The identities of some folders. :raises OSError: one does not exist"""
    return {folder: (state.st_dev, state.st_ino) for folder in sorted(folders) for state in [folder.stat()]}
