"""When files are saved."""

import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

# How long a burst of changes may last, and how long nothing may change until it counts as over, in milliseconds.
_BURST, _QUIET = 90, 8
# How often to look without being told: not every file system tells, and a folder that was replaced is not watched any more.
_PATIENCE = 1000


def saves(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Yields when something below a folder may have changed, and once a second in any case, until told to stop."""
    while not stop.is_set():
        yield
        try:
            watched = folder.stat().st_ino
            for _ in watch(
                folder,
                watch_filter=None,
                debounce=_BURST,
                step=_QUIET,
                rust_timeout=_PATIENCE,
                yield_on_timeout=True,
                stop_event=stop,
                raise_interrupt=False,
            ):
                yield
                if folder.stat().st_ino != watched:
                    break
        except OSError:
            # The folder is gone, maybe for another to take its place.
            stop.wait(_PATIENCE / 1000)
