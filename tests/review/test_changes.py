"""Labelled changes: each is rated right, found where it stands, and told of once with all operations that it touches."""

import pytest

from app.review.grouping import grouped
from app.review.reviewing import review
from tests.review.changes import CHANGES, FOLDER, both, found, labelled, said, unchanged

SENTENCES = {
    text.partition("\n")[0]: f"# {text}"
    for text in (FOLDER / "sentences.txt").read_text("utf-8").removeprefix("# ").split("\n\n# ")
}


def named(change):
    return change["name"].replace(" ", "-")


@pytest.mark.parametrize("change", CHANGES, ids=named)
def test_change(change, tmp_path):
    findings = grouped(review(*both(change, tmp_path / "new")))
    assert sorted(map(found, findings)) == labelled(change, tmp_path / "new")
    assert len({finding.name for finding in findings}) == len(findings)
    assert said(change, findings).strip() == SENTENCES[change["name"]].strip()


def test_a_contract_does_not_differ_from_itself(contract):
    assert review(unchanged(), unchanged()) == []
    assert review(contract, contract) == []


def test_there_are_changes_of_all_kinds():
    """Each rating, each part of a call, and both what is new and what is gone."""
    assert len(CHANGES) >= 200
    assert len({change["name"] for change in CHANGES}) == len(CHANGES)
    labels = [label for change in CHANGES for label in change["finds"]]
    assert {label["rating"] for label in labels} == {"breaking", "safe", "docs"}
    for side in ("calls", "requests", "answers"):
        for part in ("breaks", "touches"):
            assert sum(side in label.get(part, {}) for label in labels) >= 10, (side, part)
    assert sum("gone" in label for label in labels) >= 40
