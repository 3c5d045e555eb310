"""`flows diff` between versions of the contract, by name."""

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.application import open_store
from app.cli.diff import command
from app.contract.document.findings import Location
from app.contract.document.versions import read
from app.review.comparing.differences import Rating
from app.review.formats import as_markdown, as_text
from app.review.narrowing import EVERYTHING, Narrowing
from app.review.report import report
from app.review.waivers import Waiver
from app.settings import Settings

SMALL = Path(__file__).parents[1] / "contract/versioned/small.yaml"
TODAY = dt.date(2030, 1, 1)
BLUE = "2024.10: A thing may be blue."
RED = "2025.2: No thing is red any more."


def compared(old, new):
    return report(read(SMALL, old), read(SMALL, new), [], TODAY, None)


def causes(found, text):
    return {str(cause) for finding in found.findings if text in finding.what for cause in finding.causes}


@pytest.mark.parametrize(("old", "new"), [("2024.8", "2025.2"), ("2025.2", "2024.8")])
def test_each_difference_has_what_the_overlays_say_of_it(old, new):
    found = compared(old, new)
    assert all(finding.causes for finding in found.findings if finding.rating is not Rating.DOCS)
    assert causes(found, 'value "blue"') == {BLUE}
    assert causes(found, 'value "red"') == {RED}
    assert causes(found, "weight") == {"2024.10: A thing has a weight."}


def test_only_the_overlays_between_the_versions_count():
    assert causes(compared("2024.10", "2025.2"), 'value "red"') == {RED}
    assert BLUE not in as_text(compared("2024.10", "2025.2"))


def test_a_version_does_not_differ_from_itself():
    assert compared("2025.2", "2025.2").findings == []


def test_the_texts_of_the_overlays_are_in_each_format():
    found = compared("2024.8", "2025.2")
    assert f"    {BLUE}\n" in as_text(found)
    assert "  - **2024.10**: A thing may be blue.\n" in as_markdown(found)
    assert "To waive it" not in as_text(found)


def diff(*arguments):
    return CliRunner().invoke(command, [*arguments, "--format", "json"], obj=Settings(contract=SMALL))


def test_versions_are_named_as_base_and_as_target():
    result = diff("2024.8", "2024.10", "--fail-on", "none")
    assert result.exit_code == 0
    assert diff("2024.8.3", "2024.10.1", "--fail-on", "none").stdout == result.stdout
    assert {cause["version"] for one in json.loads(result.stdout)["findings"] for cause in one["causes"]} == {"2024.10"}


def test_a_waiver_of_what_is_not_reported_is_no_problem(tmp_path):
    old, new = read(SMALL, "2024.8"), read(SMALL, "2025.2")
    breaking = next(one for one in report(old, new, [], TODAY, None).findings if one.rating is Rating.BREAKING)
    waiver = Waiver(breaking.name, "Agreed.", TODAY, Location("waivers.yaml", 2, 3))
    for use in (EVERYTHING, Narrowing(operations=("nothing_*",))):
        assert report(old, new, [waiver], TODAY, None, use=use).waived.problems == []


def test_the_report_is_narrowed_to_operations():
    whole, narrow = (
        json.loads(diff("2024.8", "2025.2", "--fail-on", "none", *options).stdout)["findings"]
        for options in ([], ["--operations", "things_*"])
    )
    assert narrow
    assert all({"things_update"} & set(use["operations"]) for one in narrow for use in one["uses"])
    assert len(narrow) <= len(whole)


@pytest.mark.parametrize("option", ["--operations", "--tag"])
def test_a_name_that_no_operation_has_is_an_error(option):
    result = diff("2024.8", "2025.2", option, "thngs")
    assert (result.exit_code, "thngs" in result.output) == (2, True)


@pytest.mark.parametrize("versions", [("2024.8", "2024.10"), ("2024.8",)])
def test_effects_on_stored_objects_come_with_the_same_findings(tmp_path, monkeypatch, versions):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = Settings(database_url=f"sqlite:///{tmp_path}/flows.sqlite3", version="2024.12")
    store = open_store(settings, read(settings.contract))
    store.migrate()
    store.close()
    arguments = [*versions, "--format", "json", "--fail-on", "none"]
    plain, stored = (
        json.loads(CliRunner().invoke(command, [*arguments, *options], obj=settings).stdout)["findings"]
        for options in ([], ["--store"])
    )
    assert plain == stored
    assert bool(stored) == (len(versions) > 1)


def test_a_target_that_does_not_exist_is_named_with_those_that_do():
    result = diff("2024.8", "2025.4")
    assert result.exit_code == 2
    assert "There is no version '2025.4'. There are: 2024.8, 2024.10, 2025.2." in result.output
