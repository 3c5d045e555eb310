"""Random bytes and the time. Both can be fixed, so that tests get the same responses again."""

import hashlib
import itertools
import os
import time
from collections.abc import Callable

# 2024-08-01T00:00:00Z, in seconds.
_FIXED_TIME = 1_722_470_400.0

# Call them as attributes of the module, as they change.
random_bytes: Callable[[int], bytes] = os.urandom
"""Random bytes of a length, which can be fixed. API tokens do not use them; keys of sessions do."""

now: Callable[[], float] = time.time
"""The time, in seconds since 1970."""

clock: Callable[[], float] = time.perf_counter
"""A monotonic clock in seconds, to measure durations."""

_numbers = itertools.count()


def fix(seed: bytes) -> None:
    """Stop the time from now on, and use a reproducible sequence of random bytes from a seed."""
    global random_bytes, now, clock  # there is one world

    def next_bytes(count: int) -> bytes:
        return hashlib.shake_128(seed + next(_numbers).to_bytes(8, "big")).digest(count)

    random_bytes, now, clock = next_bytes, lambda: _FIXED_TIME, lambda: 0.0
    begin(0)


def is_fixed() -> bool:
    """Whether both are fixed."""
    return random_bytes is not os.urandom


def begin(position: int) -> None:
    """Continue the sequence of random bytes at a result of `position`, or at its beginning: 0."""
    global _numbers  # there is one world
    _numbers = itertools.count(position)


def position() -> int:
    """The current position in the sequence of random bytes."""
    number = next(_numbers)
    begin(number)
    return number
