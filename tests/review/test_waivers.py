"""Waivers: which hold, which are of no use, and which are not waivers."""

import datetime as dt

import pytest

from app.contract.document.findings import ContractError
from app.review.comparing.differences import Rating
from app.review.report import report
from app.review.waivers import read_waivers
from tests.review.changes import both

CHANGE = {
    "edit": [
        ["          minLength: 1\n          maxLength: 50", "          minLength: 1\n          maxLength: 40"],
        ["  version: 1.4.0", "  version: 2.0.0"],
        ["summary: Create a thing", "summary: Make a thing"],
    ]
}
NAME = "maxLength ThingRequest.name 50 -> 40"
TODAY = dt.date(2030, 6, 1)


def waiver(finding=NAME, until="2030-06-01"):
    return f"  - finding: '{finding}'\n    reason: A reason.\n    until: {until}\n"


def reported(text, folder):
    path = folder / "waivers.yaml"
    path.write_text(text, "utf-8")
    return report(*both(CHANGE, folder / "new"), read_waivers(path, "waivers.yaml"), TODAY, None)


def test_waiver_that_holds(tmp_path):
    found = reported("waivers:\n" + waiver(), tmp_path)
    assert [finding.name for finding in found.rated(Rating.BREAKING)] == [NAME]
    assert found.waived.by_name[NAME].reason == "A reason."
    assert not found.waived.problems
    assert not found.fails(Rating.BREAKING)
    assert found.fails(Rating.DOCS)


@pytest.mark.parametrize(
    ("waivers", "problem"),
    [
        (
            waiver(until="2030-05-31"),
            f"waivers.yaml:2:5: The waiver ended on 2030-05-31. ({NAME}) Change the contract,",
        ),
        (waiver("maxLength Thing.name"), "waivers.yaml:2:5: Nothing is found that this waiver is for."),
        (waiver() + waiver(), f"waivers.yaml:5:5: waivers.yaml:2:5 waives the same. ({NAME}) Remove one of them."),
    ],
    ids=["ended", "unused", "twice"],
)
def test_waiver_of_no_use(waivers, problem, tmp_path):
    found = reported("waivers:\n" + waivers, tmp_path)
    assert [str(found)[: len(problem)] for found in found.waived.problems] == [problem]
    assert found.fails(None)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("waivers: {}\n", ["1:1: There is no list of waivers."]),
        ("waivers: []\nmore: 1\n", ["2:1: The key 'more' has no meaning here."]),
        ("waivers:\n  - no\n", ["2:5: A waiver is a mapping."]),
        ("waivers:\n" + waiver() + "    who: me\n", ["5:5: The key 'who' has no meaning here."]),
        ("waivers:\n" + waiver(until="soon"), ["4:5: The waiver does not say the last day of it, as 2030-12-31."]),
        (
            "waivers:\n  - reason: ' '\n",
            [
                "2:5: The waiver does not say the finding's name, as `flows diff` prints it.",
                "2:5: The waiver does not say the last day of it, as 2030-12-31.",
                "2:5: The waiver does not say why it is accepted.",
            ],
        ),
    ],
)
def test_no_waivers(text, problems, tmp_path):
    with pytest.raises(ContractError) as error:
        reported(text, tmp_path)
    told = [str(finding) for finding in error.value.findings]
    assert [text[: len(problem) + 13] for text, problem in zip(told, problems, strict=True)] == [
        f"waivers.yaml:{problem}" for problem in problems
    ]
