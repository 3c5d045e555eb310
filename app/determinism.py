"""Random bytes and the time. Both can be fixed, so that tests get the same responses again."""

import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator

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

# Random bytes that have been read ahead, in pieces of `_PIECE` bytes. A list's iterator gives each piece to one thread only.
_PIECE, _READ_AHEAD = 16, 4096
_pieces: Iterator[bytes] = iter(())


def _read_ahead() -> None:
    global _pieces  # threads share them
    data = os.urandom(_READ_AHEAD)
    _pieces = iter([data[start : start + _PIECE] for start in range(0, _READ_AHEAD, _PIECE)])


def _identifying_bytes(count: int) -> bytes:
    while True:
        for piece in _pieces:
            return piece[:count]
        _read_ahead()


# Two processes never use the same ones.
os.register_at_fork(after_in_child=_read_ahead)

identifying_bytes: Callable[[int], bytes] = _identifying_bytes
"""Random bytes of a length up to 16, which can be fixed, for identifiers. Reading ahead saves a system call for each: 1 to 5 us.
Secrets use `random_bytes`."""


def fix(seed: bytes) -> None:
    """Stop the time from now on, and use a reproducible sequence of random bytes from a seed."""
    global random_bytes, identifying_bytes, now, clock  # there is one world

    def next_bytes(count: int) -> bytes:
        return hashlib.shake_128(seed + next(_numbers).to_bytes(8, "big")).digest(count)

    random_bytes = identifying_bytes = next_bytes
    now, clock = lambda: _FIXED_TIME, lambda: 0.0
    begin(0)


@contextlib.contextmanager
def fixed(seed: bytes) -> Iterator[None]:
    """Fix both as `fix` does, for the length of a `with`."""
    global random_bytes, identifying_bytes, now, clock  # there is one world
    before = random_bytes, identifying_bytes, now, clock
    fix(seed)
    try:
        yield
    finally:
        random_bytes, identifying_bytes, now, clock = before


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
