"""Answers recorded from a real authentik 2024.8.6, and this server's to the same requests."""

import collections
import json

import pytest

from app.conformance.replay import Recording, SetupError, by_state, read_differences
from app.conformance.scenarios import read_scenarios
from tests.oracle.conftest import FOLDER, RECORDINGS

# The share of the cases that has to match without an entry in differences.yaml.
LEAST_MATCH = 0.82

CASES = list(by_state(Recording.read(*RECORDINGS).cases))
SCENARIOS = read_scenarios(FOLDER / "executor" / "scenarios.jsonl")
NAMES = [
    *(case["id"] for case in CASES),
    *(f"{scenario['id']}/{number}" for scenario in SCENARIOS for number in range(len(scenario["exchanges"]))),
]
DIFFERENCES = read_differences(FOLDER / "differences.yaml")


def excuse_of(name):
    """The entry for a case, or an exchange of a scenario, None if there is none."""
    return next((difference for difference in DIFFERENCES if difference.covers(name)), None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded_case(case, replay):
    try:
        problems = replay.run(case)
    except SetupError as error:
        problems = [f"what the case needs can't be made: {error}"]
    excuse = excuse_of(case["id"])
    if excuse is None:
        assert not problems, "\n".join(problems)
    else:
        assert problems, f"answered as recorded: the entry of differences.yaml excuses nothing ({excuse.why})"
        assert not any(problem.startswith("status 5") for problem in problems), problems


def test_share_of_cases_without_an_excuse(record_property, capsys):
    """How many cases match, and under which rule the others fall."""
    rules = collections.Counter(excuse.rule if (excuse := excuse_of(case["id"])) else "as recorded" for case in CASES)
    share = rules["as recorded"] / len(CASES)
    record_property("oracle", json.dumps(rules))
    with capsys.disabled():
        print(f"\n{len(CASES)} recorded cases: " + ", ".join(f"{count} {rule}" for rule, count in rules.most_common()))
    assert share >= LEAST_MATCH


def test_each_difference_covers_a_case():
    for difference in DIFFERENCES:
        for pattern in difference.cases:
            single = type(difference)((pattern,), difference.rule, difference.why)
            assert any(single.covers(name) for name in NAMES), pattern
