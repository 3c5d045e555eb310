"""Whether work takes time in proportion to the length of what it is done on: times are compared with each other only."""

import time

# How much longer the longer one is.
TIMES = 16
# Time that grows with the square of a length would be at the square of TIMES.
MOST = TIMES**1.7


def seconds(work, subject):
    """Seconds of the processor, the least of several measurements: other work of the machine only adds to it."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        work(subject)
        taken.append(time.process_time() - begun)
    return min(taken)


def in_proportion(work, short, long, floor):
    """Do the work on both.

    :param short: the shorter one
    :param long: one that is TIMES as long
    :param floor: seconds; the shorter one counts as at least that, as what takes no time can't be compared
    :returns: whether the time grew about as the length did
    """
    return seconds(work, long) < MOST * max(seconds(work, short), floor)
