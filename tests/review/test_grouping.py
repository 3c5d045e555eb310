"""One change made in several schemas is one finding; what means something else to clients is another one."""

import json

from app.review.formats import FORMATS
from app.review.grouping import grouped
from app.review.report import Report
from app.review.reviewing import review
from app.review.waivers import Waived
from tests.review.changes import CHANGES, both

CHANGE = next(change for change in CHANGES if change["name"] == "a member of several schemas is gone from requests")


def found(change, folder):
    return grouped(review(*both(change, folder / "new")))


def test_each_format_names_all_places(tmp_path):
    report = Report("old.yaml", found(CHANGE, tmp_path), Waived({}, ()), None)
    finding = json.loads(FORMATS["json"](report))["findings"][0]
    assert finding["what"] == "`Cup.size`, `Jug.size`: the member is gone."
    assert [place["subject"] for place in finding["also"]] == ["Jug.size"]
    assert finding["uses"][0]["operations"] == ["things_create", "things_partial_update"]
    for form in ("text", "markdown", "github"):
        text = FORMATS[form](report)
        assert "`Cup.size` and 1 more: the member is gone." in text
        assert "Likewise `Jug.size` (new.yaml:" in text


POT = "{type: object, properties: {size: {type: string}}}"
OPERATION = """    put:
      operationId: things_update
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pot'}}}}
      responses: {'204': {description: It.}}
"""


def test_a_group_of_other_schemas_has_another_name(tmp_path):
    base = [
        *CHANGE["base"],
        ["    Round:\n", f"    Pot: {POT}\n    Round:\n"],
        ["    delete:\n", f"{OPERATION}    delete:\n"],
    ]
    (two, *_), (three, *_) = (
        found({"base": base, "edit": edit}, tmp_path / str(len(edit)))
        for edit in (CHANGE["edit"], [*CHANGE["edit"], [POT, "{type: object}"]])
    )
    assert (two.what, three.what) == (
        "`Cup.size`, `Jug.size`: the member is gone.",
        "`Cup.size`, `Jug.size`, `Pot.size`: the member is gone.",
    )
    assert two.name != three.name


def test_what_means_something_else_is_a_finding_of_its_own(tmp_path):
    """A member of requests, and one of the same name of requests and answers."""
    key = "        key:\n          type: string\n          writeOnly: true\n"
    secret = "        secret:\n          type: string\n          writeOnly: true\n"
    change = {
        "base": [
            [key, key + "        remark: {type: string}\n"],
            [secret, secret + "        remark: {type: string}\n"],
        ],
        "edit": [
            [key + "        remark: {type: string}\n", key],
            [secret + "        remark: {type: string}\n", secret],
        ],
    }
    assert sorted(finding.what for finding in found(change, tmp_path)) == [
        "`ThingRequest.remark`: the member is gone.",
        "`Tree.remark`: the member is gone.",
    ]
