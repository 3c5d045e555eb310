"""What is different each time: random bytes and the time. Both can be fixed, so that a client's tests get the same answers again."""

import hashlib
import itertools
import os
import time
from collections.abc import Callable

# 2024-08-01T00:00:00Z, in seconds.
_FIXED_TIME = 1_722_470_400.0

random_bytes: Callable[[int], bytes] = os.urandom
"""So many random bytes. To be called by its module, as it changes."""

now: Callable[[], float] = time.time
"""The time, in seconds since 1970. To be called by its module, as it changes."""

_numbers = itertools.count()


def fix() -> None:
    """From now on the time stands still, and random bytes are those of a sequence that is the same in each process."""
    global random_bytes, now  # noqa: PLW0603  # there is one world
    random_bytes, now = _next_bytes, lambda: _FIXED_TIME
    begin(0)


def begin(position: int) -> None:
    """Go on with the sequence of random bytes from a position that `position` gave, or from its beginning: 0."""
    global _numbers  # noqa: PLW0603  # there is one world
    _numbers = itertools.count(position)


def position() -> int:
    """How far the sequence of random bytes has been used."""
    number = next(_numbers)
    begin(number)
    return number


def _next_bytes(count: int) -> bytes:
    return hashlib.shake_128(next(_numbers).to_bytes(8, "big")).digest(count)
