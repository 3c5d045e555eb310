"""Scenarios of running flows recorded from a real authentik 2024.8.6, and this server's answers to the same requests."""

import json

import pytest

from app.conformance.scenarios import read_scenarios
from tests.oracle.conftest import FOLDER
from tests.oracle.test_oracle import excuse_of

# The share of the exchanges that has to match without an entry in differences.yaml.
LEAST_MATCH = 0.85

SCENARIOS = read_scenarios(FOLDER / "executor" / "scenarios.jsonl")
EXCHANGES = [f"{scenario['id']}/{number}" for scenario in SCENARIOS for number in range(len(scenario["exchanges"]))]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["id"])
def test_recorded_scenario(scenario, play):
    unexpected = {}
    for number, problems in enumerate(play(scenario)):
        excuse = excuse_of(f"{scenario['id']}/{number}")
        if excuse is None and problems:
            unexpected[number] = problems
        elif excuse is not None and not problems:
            unexpected[number] = f"answered as recorded: the entry of differences.yaml excuses nothing ({excuse.why})"
        assert not any(problem.startswith("status 5") for problem in problems), (number, problems)
    assert not unexpected, json.dumps(unexpected, indent=1, ensure_ascii=False)


def test_share_of_exchanges_without_an_excuse(capsys):
    recorded = [name for name in EXCHANGES if excuse_of(name) is None]
    with capsys.disabled():
        print(f"\n{len(EXCHANGES)} recorded exchanges: {len(recorded)} as recorded")
    assert len(recorded) / len(EXCHANGES) >= LEAST_MATCH
