"""What an operation without a handler answers while the contract is edited."""

import pytest

from app.contract import checks
from app.contract.document.findings import ContractError
from tests.contract.keeping import implementation
from tests.contract.widgets import CONTRACT, HANDLERS, ID, WIDGETS, serve

GEAR = {"name": "Gear", "owner": ID}


def client(*missing):
    return serve(without=missing)


def test_its_documented_example():
    response = client("widgets_retrieve").get(f"{WIDGETS}{ID}/")
    assert (response.status, response.json()["name"]) == (200, "Gear")
    assert response.headers["x-contract-example"] == "true"
    assert "preference-applied" not in response.headers
    # Others are served as ever.
    assert "x-contract-example" not in client("widgets_retrieve").get(WIDGETS).headers


def test_the_contract_holds_for_the_request():
    proposed = client("widgets_create")
    response = proposed.post(WIDGETS, GEAR)
    assert (response.status, response.json()["name"]) == (201, "Gear")
    response = proposed.post(WIDGETS, {"name": "Gear"}, headers={"prefer": "code=201"})
    assert (response.status, response.json()) == (400, {"owner": ["This field is required."]})
    assert "x-contract-example" not in response.headers
    assert proposed.post(WIDGETS, GEAR, token="widgets.view").status == 403


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("code=404", 404, "code=404"),
        ("respond-async, Code = 404", 404, "code=404"),
        ('code="404"; example=none', 404, "code=404"),
        ("code=201", 200, None),
        ("code=many", 200, None),
        ("example=none", 200, None),
    ],
)
def test_the_answer_that_a_client_prefers(prefer, status, applied):
    response = client("widgets_retrieve").get(f"{WIDGETS}{ID}/", headers={"prefer": prefer})
    assert (response.status, response.headers.get("preference-applied")) == (status, applied)
    assert response.headers["x-contract-example"] == "true"


def test_a_file():
    response = client("widgets_drawing_retrieve").get(f"{WIDGETS}{ID}/drawing/")
    assert (response.status, response.body, response.headers["content-type"]) == (200, b"{}", "application/json")


def test_an_operation_on_the_same_path_does_not_look_for_the_object():
    response = client("widgets_retrieve")("PUT", f"{WIDGETS}{ID}/", {"name": ""})
    assert response.status == 400


def test_a_server_that_is_no_draft_refuses_it():
    missing = {name: function for name, function in HANDLERS.items() if name != "widgets_retrieve"}
    with pytest.raises(ContractError) as caught:
        checks.load(CONTRACT, implementation(missing))
    (finding,) = caught.value.findings
    line = CONTRACT.read_text("utf-8").splitlines()[finding.location.line - 1]
    assert line[finding.location.column - 1 :] == "operationId: widgets_retrieve"
    assert finding.problem == "No handler is named 'widgets_retrieve'."


HEADERS = """
          headers:
            X-Total: {required: true, schema: {type: integer}, example: 7}
            X-Names: {schema: {type: array, items: {type: string}}, examples: {two: {value: [a, b]}}}
            X-Exact: {required: true, schema: {type: boolean, default: true}}
            X-Kind: {schema: {type: string, enum: [gear]}}
            X-Size: {$ref: '#/components/headers/Size'}
            X-Unknown: {schema: {type: string}}
            Allow: {schema: {type: string}, example: nothing}
"""
SIZE = "  headers:\n    Size: {schema: {type: integer, example: 3}}\n"


def test_the_headers_of_an_example(tmp_path):
    text = CONTRACT.read_text("utf-8")
    described = "      responses: &read\n        '200':\n          description: The widget.\n"
    assert text.count(described) == 1
    text = text.replace(described, described.rstrip("\n") + HEADERS)
    contract = tmp_path / "widgets.yaml"
    contract.write_text(text.replace("components:\n", f"components:\n{SIZE}", 1), "utf-8")
    # As of another operation that has the same answers.
    response = serve(without=["widgets_retrieve", "widgets_kinds_retrieve"], contract=contract).get(f"{WIDGETS}{ID}/")
    names = ("x-total", "x-names", "x-exact", "x-kind", "x-size", "x-unknown", "allow")
    assert {name: response.headers.get(name) for name in names} == {
        "x-total": "7",
        "x-names": "a,b",
        "x-exact": "true",
        "x-kind": "gear",
        "x-size": "3",
        "x-unknown": None,
        "allow": "GET, PUT, HEAD, OPTIONS",
    }


def test_a_required_header_without_an_example_is_a_finding(tmp_path):
    text = CONTRACT.read_text("utf-8")
    described = "      responses: &read\n        '200':\n          description: The widget.\n"
    contract = tmp_path / "widgets.yaml"
    header = "          headers:\n            X-Total: {required: true, schema: {type: integer}}\n"
    contract.write_text(text.replace(described, described + header), "utf-8")
    with pytest.raises(ContractError) as caught:
        serve(without=["widgets_retrieve", "widgets_kinds_retrieve"], contract=contract)
    (finding,) = caught.value.findings
    line = contract.read_text("utf-8").splitlines()[finding.location.line - 1]
    assert line[finding.location.column - 1 :].startswith("X-Total:")
    assert finding.problem == "The header 'X-Total' is required and has no example."
