"""Texts made to keep a pattern of the contract busy: it takes time in proportion to their length."""

import time

import pytest

from app.contract.schemas import Direction, SchemaReader
from tests.contract_files import shipped

LENGTH, TIMES = 20_000, 16
# Time that grows with the square of a text's length would be at the square of TIMES.
MOST = TIMES**1.7
PUMPED = ("a", "-", "0", "+", " ", "\t ", "\u3000", "\u3000a", "seconds=1;", "seconds=1.1", "micro", "=", "\U0001f600")
ENDS = ("", "\0", "!", "\n", ";")


def patterns(node):
    """All patterns in a part of a document."""
    if isinstance(node, dict):
        if isinstance(pattern := node.get("pattern"), str):
            yield pattern
        node = [part for name, part in node.items() if name != "x-messages"]
    elif not isinstance(node, list):
        return
    for part in node:
        yield from patterns(part)


PATTERNS = sorted(set(patterns(shipped().document)))


def test_there_are_patterns():
    assert len(PATTERNS) > 3


@pytest.mark.parametrize("pattern", [*PATTERNS, "^(a+)+$", "^(a|a)*$", "^(.*.*)*=$"])
@pytest.mark.parametrize("end", ENDS)
def test_time_grows_with_the_length(contract, pattern, end):
    validator = SchemaReader(contract, Direction.REQUEST).validator({"type": "string", "pattern": pattern})

    def seconds(text):
        """The least of several measurements, as other work of the machine only adds to it."""
        taken = []
        for _ in range(3):
            begun = time.perf_counter()
            validator.is_valid(text)
            taken.append(time.perf_counter() - begun)
        return min(taken)

    for pumped in PUMPED:
        short = (pumped * LENGTH)[:LENGTH]
        # What takes no time can't be compared.
        assert seconds(short * TIMES + end) < MOST * max(seconds(short + end), 5e-5), pumped


def test_a_pattern_of_another_engine_is_no_pattern(contract):
    with pytest.raises(ValueError, match="regex"):
        SchemaReader(contract, Direction.REQUEST).validator({"type": "string", "pattern": "^(?=(a+)+$)"})
