"""Work in the background leaves the rest of the time to others."""

import pytest

from app.store.upkeep.pacing import paced


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1])
def test_work_takes_its_share_of_the_time_however_long_an_item_takes(share):
    now = slept = 0.0

    def sleep(seconds):
        nonlocal now, slept
        now += seconds
        slept += seconds

    def clock():
        return now

    def items():
        nonlocal now
        for number in range(1000):
            now += number % 7 / 1000
            yield number

    made = []
    for item in paced(items(), share=share, portion=25, clock=clock, sleep=sleep):
        made.append(item)
        # What is done with an item counts, too.
        now += 0.001
    assert made == [*range(1000)]
    assert (now - slept) / now == pytest.approx(share)
