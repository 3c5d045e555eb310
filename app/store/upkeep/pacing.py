"""Pace of work in the background."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def paced(
    items: Iterable[T],
    *,
    share: float,
    portion: int,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Iterate with pauses, so that the work takes a share of the time: threads that serve requests get the rest.

    :param share: the share of the time, above 0 and at most 1
    :param portion: how many items are made between two pauses
    :param clock: the time in seconds
    :param sleep: waits for a number of seconds
    """
    began = clock()
    for number, item in enumerate(items, 1):
        yield item
        if number % portion == 0:
            sleep((clock() - began) * (1 / share - 1))
            began = clock()
