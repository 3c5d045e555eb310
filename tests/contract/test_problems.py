"""Every refusal names the line of the contract that it enforces, and is a located problem for those who ask for one."""

import re

import pytest

from app import errors
from tests.asgi import FLOWS
from tests.contract.widgets import CONTRACT, ID, OTHER, WIDGETS, serve

PROBLEM = {"accept": "application/problem+json"}
LINES = CONTRACT.read_text("utf-8").splitlines()


def line_of(response):
    """The text that the header points at, from the column on, and the one after it."""
    file, line, column = re.fullmatch(r"(.+):(\d+):(\d+)", response.headers["x-contract-rule"]).groups()
    assert file == CONTRACT.name
    return LINES[int(line) - 1][int(column) - 1 :]


def around(response):
    line = int(response.headers["x-contract-rule"].split(":")[1])
    return "\n".join(LINES[max(0, line - 6) : line])


@pytest.mark.parametrize(
    ("body", "rule", "near"),
    [
        ({"name": "", "owner": ID}, "minLength: 1", "WidgetRequest:"),
        ({"name": 1, "owner": ID}, "type: string", "name:"),
        ({"owner": ID}, "name, owner]", ""),
        ({"name": "Gear"}, "owner]", "required: [name, owner]"),
        ({"name": "Gear", "owner": "x"}, "format: uuid", "owner:"),
        ({"name": "Gear", "owner": ID, "labels": []}, "minItems: 1", "labels:"),
        ({"name": "Gear", "owner": ID, "kinds": ["red", "blue"]}, "enum: [red, green]", "kinds:"),
        ({"name": "Gear", "owner": ID, "part": {"name": "P", "sizes": ["1"]}}, "type: integer", "sizes:"),
        ({"name": "Gear", "owner": ID, "order": 13}, "not:", ""),
        ({"name": "Gear", "owner": ID, "user": 1, "group": ID}, "anyOf:", "allOf:"),
        ([], "type: object", "WidgetRequest:"),
        # The first member of the answer goes first.
        ({"owner": "x", "name": ""}, "minLength: 1", "name:"),
    ],
)
def test_a_body_names_the_keyword_that_it_breaks(body, rule, near):
    response = serve().post(WIDGETS, body)
    assert (response.status, line_of(response)) == (400, rule)
    assert near in around(response)


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (errors.NotUnique("name"), "x-unique: A widget has this name already."),
        (errors.NotUnique(("order", "owner")), "members: [owner, order]"),
        (errors.DanglingReference({"labels": OTHER}), "x-references: {to: labels, on_delete: cascade_many}"),
        (errors.Invalid({"order": ["No."]}), "order:"),
        (errors.Invalid({"non_field_errors": ["No."]}), "application/json:"),
    ],
)
def test_what_the_store_or_a_handler_refuses(error, rule):
    def widgets_create(store, body):
        raise error

    response = serve(widgets_create=widgets_create).post(WIDGETS, {"name": "Gear", "owner": ID, "order": 1})
    assert (response.status, line_of(response)) == (400, rule)


def test_what_the_store_refuses_beside_what_is_wrong():
    client = serve(lambda *_: {"owner": errors.DanglingReference({"owner": ID})})
    response = client.post(WIDGETS, {"name": "Gear", "owner": ID, "order": "first"}, headers=PROBLEM)
    assert line_of(response) == "x-references: {to: owners, on_delete: cascade}"
    assert [(error["member"], error["rule"]) for error in response.json()["errors"]] == [
        ("owner", "x-references"),
        ("order", "type"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "rule"),
    [
        ("GET", f"{WIDGETS}?order=first", {}, 400, "type: integer"),
        ("GET", f"{WIDGETS}?owner=x", {}, 400, "format: uuid"),
        ("GET", f"{WIDGETS}?label={ID}&label=x", {}, 400, "format: uuid"),
        ("GET", f"{WIDGETS}blue/1/", {}, 404, "enum: [red, green]"),
        ("GET", f"{WIDGETS}red/x/", {}, 404, "pattern: '^[0-9]+$'"),
        ("GET", f"{WIDGETS}x/", {}, 404, "format: uuid"),
        ("GET", WIDGETS, {"token": "none"}, 403, "x-required-permissions: [widgets.view]"),
        ("GET", WIDGETS, {"headers": {"authorization": "nothing"}}, 403, "security:"),
        ("GET", f"{WIDGETS}me/", {"headers": {"authorization": "nothing"}}, 403, "security: [{token: []}]"),
        ("DELETE", WIDGETS, {}, 405, "/widgets/:"),
        ("GET", WIDGETS, {"headers": {"accept": "text/html"}}, 406, "content:"),
        ("GET", f"{WIDGETS}{ID}/?format=xml", {}, 404, "'404': *refused"),
        ("POST", WIDGETS, {"body": b"a", "headers": {"content-type": "text/plain"}}, 415, "application/json:"),
        ("POST", WIDGETS, {"body": b"{", "headers": {"content-type": "application/json"}}, 400, "application/json:"),
        ("POST", WIDGETS, {"body": b" " * 100_001}, 413, "'413': *refused"),
    ],
)
def test_every_other_refusal_names_a_line_too(method, path, options, status, rule):
    response = serve()(method, path, **options)
    assert (response.status, line_of(response)) == (status, rule)


def test_a_filter_that_names_no_object():
    def widgets_list(store, filters):
        raise errors.InvalidChoice("labels", OTHER)

    response = serve(widgets_list=widgets_list).get(WIDGETS, query=f"label={OTHER}")
    assert line_of(response) == "x-references: {to: labels}"


def test_a_page_that_is_not_there(client, contract):
    response = client.get(FLOWS, query="page=9")
    place = ("components", "parameters", "Page", "x-not-found")
    assert (response.status, response.headers["x-contract-rule"]) == (404, str(contract.locate(place)))


def test_an_object_that_is_not_there_is_the_documented_answer(client, contract):
    response = client.get(FLOWS + "nothing/")
    place = ("paths", "/flows/instances/{slug}/", "get", "responses", "404")
    assert (response.status, response.headers["x-contract-rule"]) == (404, str(contract.locate(place)))


def test_an_answer_that_refuses_nothing_names_no_line(client):
    for response in (client.get(FLOWS), client("OPTIONS", FLOWS), client.get("/-/health/live/")):
        assert "x-contract-rule" not in response.headers


def test_a_failure_of_the_server_is_no_rule_of_the_contract():
    def widgets_list(store, filters):
        raise errors.Unavailable("down")

    client = serve(widgets_list=widgets_list)
    response = client.get(WIDGETS)
    assert (response.status, "x-contract-rule" in response.headers) == (503, False)
    assert client.get(WIDGETS, headers=PROBLEM).json()["title"] == "Service Unavailable"


def test_a_located_problem():
    body = {"name": "", "owner": "x" * 200, "kinds": ["red", "blue"]}
    client = serve()
    response = client.post(WIDGETS, body, headers=PROBLEM)
    assert (response.status, response.headers["content-type"]) == (400, "application/problem+json")
    assert response.headers["vary"] == "Accept"
    problem = response.json()
    assert problem.pop("answer") == client.post(WIDGETS, body).json()
    places = [error.pop("contract") for error in problem["errors"]]
    assert places[0] == response.headers["x-contract-rule"]
    assert len(set(places)) == len(places) == 3
    assert problem == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "name: This field may not be blank. owner: “"
        + "x" * 200
        + '” is not a valid UUID. kinds/1: "blue" is not a valid choice.',
        "errors": [
            {"member": "name", "value": '""', "rule": "minLength"},
            {"member": "owner", "value": '"' + "x" * 78 + "…", "rule": "format"},
            {"member": "kinds/1", "value": '"blue"', "rule": "enum"},
        ],
    }


def test_a_problem_of_a_missing_member_has_no_value():
    (error,) = serve().post(WIDGETS, {"name": "Gear"}, headers=PROBLEM).json()["errors"]
    assert (error["member"], error["rule"], "value" in error) == ("owner", "required", False)


def test_a_problem_of_one_sentence():
    problem = serve().get(WIDGETS, headers=PROBLEM, token="none").json()
    assert problem["detail"] == "You do not have permission to perform this action."
    assert problem["answer"] == {"detail": problem["detail"]}
    (error,) = problem["errors"]
    assert error.keys() == {"rule", "contract"}


def test_a_problem_of_values_that_json_has_no_room_for():
    response = serve().get(WIDGETS, query=f"order={'9' * 4000}", headers=PROBLEM)
    assert response.status in (200, 400)
    deep = b'{"owner": ' + b"[" * 600 + b"]" * 600 + b"}"
    response = serve().post(WIDGETS, body=deep, headers=PROBLEM | {"content-type": "application/json"})
    assert (response.status, response.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/problem+json", "application/problem+json"),
        ("application/json, Application/Problem+JSON;q=0.5", "application/problem+json"),
        ("application/*", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
    ],
)
def test_only_who_names_problems_gets_them(accept, media_type):
    response = serve().post(WIDGETS, {}, headers={"accept": accept})
    assert (response.status, response.headers["content-type"]) == (400, media_type)


def test_who_names_problems_gets_other_answers_as_they_are():
    response = serve().get(WIDGETS, headers=PROBLEM)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")


def test_the_head_of_a_problem_has_no_body():
    response = serve()("HEAD", WIDGETS, headers=PROBLEM, token="none")
    assert (response.status, response.headers["content-type"], response.body) == (403, "application/problem+json", b"")
