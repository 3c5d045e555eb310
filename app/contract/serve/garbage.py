"""Suspension of garbage collection."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collections_suspended() -> Iterator[None]:
    """Suspend garbage collection: the objects created meanwhile are in use."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
