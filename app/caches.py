"""Caches of results."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


def bounded_cache(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Cache the results of a function whose arguments clients choose.

    Honest clients repeat a few arguments, such as paths, or combinations of filters and sort keys. The bound keeps others
    from filling the memory.

    :param size: the most results; the least recently used one is dropped
    """

    def cached(function: Callable[P, T]) -> Callable[P, T]:
        return cast(Callable[P, T], lru_cache(maxsize=size)(function))

    return cached
