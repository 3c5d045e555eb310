"""What is different each time: random bytes and the time. Both can be fixed, so that tests get the same answers again."""

import hashlib
import itertools
import os
import time
from collections.abc import Callable

# 2024-08-01T00:00:00Z, in seconds.
_FIXED_TIME = 1_722_470_400.0

# To be called by their module, as they change.
random_bytes: Callable[[int], bytes] = os.urandom
"""So many random bytes. What nobody may guess, such as a token, is not made of them: they can be fixed."""

now: Callable[[], float] = time.time
"""The time, in seconds since 1970."""

clock: Callable[[], float] = time.perf_counter
"""Seconds since some moment, to tell how long something takes."""

_numbers = itertools.count()


def fix(seed: bytes) -> None:
    """From now on the time stands still, and random bytes are those of a sequence that is the same for the same seed."""
    global random_bytes, now, clock  # there is one world

    def next_bytes(count: int) -> bytes:
        return hashlib.shake_128(seed + next(_numbers).to_bytes(8, "big")).digest(count)

    random_bytes, now, clock = next_bytes, lambda: _FIXED_TIME, lambda: 0.0
    begin(0)


def is_fixed() -> bool:
    """Whether all of it is."""
    return random_bytes is not os.urandom


def begin(position: int) -> None:
    """Go on with the sequence of random bytes from a position that `position` gave, or from its beginning: 0."""
    global _numbers  # there is one world
    _numbers = itertools.count(position)


def position() -> int:
    """How far the sequence of random bytes has been used."""
    number = next(_numbers)
    begin(number)
    return number
