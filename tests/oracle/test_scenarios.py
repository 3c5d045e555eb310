"""Scenarios of running flows recorded from a real authentik 2024.8.6, and this server's answers to the same requests."""

import json

import pytest
from click.testing import CliRunner

from app import passwords
from app.cli.replay import command
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


@pytest.mark.parametrize("named", ["the package's", "a file"])
def test_a_deployment_is_tested_by_recorded_scenarios(running, monkeypatch, named):
    store, url = running
    monkeypatch.setattr(passwords, "COST", 2)
    if not any(token.name == "deployment" for token in store.tokens.page()):
        store.tokens.add("deployment", superuser=True, secret="deployment")
    options = ["--scenarios", url]
    if named == "a file":
        options = ["--scenarios", str(FOLDER / "executor" / "scenarios.jsonl"), url]
    chosen = [argument for group in ("next", "logout", "delete") for argument in ("--group", group)]
    done = CliRunner().invoke(command, [*options, "--token", "deployment", "--empty-it", *chosen])
    assert done.exit_code == 0, done.output
    assert "as recorded" in done.output
    assert "different" not in done.output


def test_a_deployment_that_differs_from_the_recording_fails_the_replay(running, monkeypatch, tmp_path):
    store, url = running
    monkeypatch.setattr(passwords, "COST", 2)
    if not any(token.name == "deployment" for token in store.tokens.page()):
        store.tokens.add("deployment", superuser=True, secret="deployment")
    changed = json.loads(json.dumps(SCENARIOS[0]))
    changed["exchanges"][0]["status"] = 418
    unexpected = tmp_path / "scenarios.jsonl"
    unexpected.write_text(json.dumps(changed))
    done = CliRunner().invoke(command, ["--scenarios", str(unexpected), url, "--token", "deployment", "--empty-it"])
    assert done.exit_code == 1
    assert f"{changed['id']}/0: status 200 instead of 418" in done.output
