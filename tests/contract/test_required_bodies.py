"""Bodies that have to be there, and those that may be left out."""

import pytest

from tests.contract.widgets import CONTRACT, ID, WIDGETS, serve

TEST = f"{WIDGETS}test/"
DRAWING = f"{WIDGETS}{ID}/drawing/"


@pytest.fixture
def wanted(tmp_path):
    """A client of a contract in which every body has to be there."""
    text = CONTRACT.read_text("utf-8").replace("        required: true\n        content:", "        content:")
    contract = tmp_path / "widgets.yaml"
    contract.write_text(text.replace("requestBody:\n", "requestBody:\n        required: true\n"), "utf-8")
    return serve(contract=contract)


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/plain"}], ids=str)
def test_a_body_that_has_to_be_there_is_missed(wanted, headers):
    response = wanted("POST", TEST, headers=headers)
    assert (response.status, response.json()) == (400, {"non_field_errors": ["No data provided"]})
    assert wanted("POST", TEST, body=[b"", b""]).status == 400
    assert wanted("POST", TEST, {}).status == 200


def test_a_form_that_has_to_be_there_is_missed(wanted):
    response = wanted("POST", DRAWING)
    assert (response.status, response.json()) == (400, {"non_field_errors": ["No data provided"]})


def test_the_refusal_names_the_line(wanted, tmp_path):
    rule = wanted("POST", TEST).headers["x-contract-rule"]
    path, line, column = rule.rsplit(":", 2)
    assert (tmp_path / path).read_text("utf-8").splitlines()[int(line) - 1][int(column) - 1 :] == "required: true"


def test_each_member_is_missed_where_some_are_required(wanted):
    """As recorded: an empty body counts as `{}`."""
    required = ["This field is required."]
    assert wanted("POST", WIDGETS).json() == {"name": required, "owner": required}


def test_a_body_that_may_be_left_out_is_not_missed():
    assert serve()("POST", TEST).status == 200
    assert serve()("POST", DRAWING).status == 200
