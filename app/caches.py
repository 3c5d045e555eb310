"""Caches of results."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


def bounded_cache(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Cache the results of a function with arguments from clients.

    Normal clients repeat a few arguments, such as paths, or combinations of filters and sort keys. The bound prevents others
    from filling the memory.

    :param size: the maximum number of results; the least recently used one is discarded
    """

    def cached(function: Callable[P, T]) -> Callable[P, T]:
        return cast(Callable[P, T], lru_cache(maxsize=size)(function))

    return cached
