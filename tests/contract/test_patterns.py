"""Texts made to keep a pattern of the contract busy: it takes time in proportion to their length."""

import pytest

from app.contract.validation.schemas import Direction, SchemaReader
from tests.contract_files import shipped
from tests.growth import TIMES, in_proportion

LENGTH = 20_000
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

    for pumped in PUMPED:
        short = (pumped * LENGTH)[:LENGTH]
        assert in_proportion(validator.is_valid, short + end, short * TIMES + end, floor=5e-5), pumped


def test_a_pattern_of_another_engine_is_no_pattern(contract):
    with pytest.raises(ValueError, match="regex"):
        SchemaReader(contract, Direction.REQUEST).validator({"type": "string", "pattern": "^(?=(a+)+$)"})
