"""When files are saved."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from watchfiles import watch

# How long a burst of changes may last, and how long nothing may change until it counts as over, in milliseconds.
_BURST, _QUIET = 90, 8
# How often to look without being told: not every file system tells, and a folder that was replaced is not watched any more.
_PATIENCE = 1000


def saves(folders: Callable[[], Collection[Path]], stop: threading.Event) -> Iterator[None]:
    """Yields when something in some folders may have changed, and once a second in any case, until told to stop.

    :param folders: those to watch, which may be others after a change
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
            # A folder is gone, maybe for another to take its place.
            stop.wait(_PATIENCE / 1000)


def _identities(folders: Collection[Path]) -> Mapping[Path, tuple[int, int]]:
    """What is at some paths now. :raises OSError: there is nothing at one"""
    return {folder: (state.st_dev, state.st_ino) for folder in sorted(folders) for state in [folder.stat()]}
