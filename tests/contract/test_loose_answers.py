"""Answers that the contract says little of, and edits of it that are easily overlooked."""

import copy
import dataclasses
from pathlib import Path

import orjson
import pytest

from app.application import create_app, load_draft, open_store
from app.contract.checks import Draft
from app.contract.document.findings import ContractError
from tests.asgi import Client
from tests.contract_files import load, shipped


@pytest.fixture
def written(settings, tmp_path):
    """Writes the contract as one document. :returns: settings with it"""

    def write(edit):
        document = copy.deepcopy(shipped().document)
        edit(document)
        path = Path(tmp_path, "contract.yaml")
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return dataclasses.replace(settings, contract=path)

    return write


@pytest.fixture
def client_of_settings():
    """Makes a client of an application with some settings."""
    stores = []

    def make(settings):
        contract = load(settings.contract)
        store = open_store(settings, contract)
        stores.append(store)
        store.migrate()
        store.tokens.add("root", superuser=True, secret="root")
        return Client(create_app(settings, contract=contract, store=store), "root")

    yield make
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"type": "array", "items": {}},
        {"type": "array", "items": {"oneOf": [{"$ref": "#/components/schemas/DummyStage"}, {"type": "integer"}]}},
        {"oneOf": [{"type": "array", "items": {"$ref": "#/components/schemas/DummyStage"}}, {"type": "integer"}]},
    ],
    ids=["anything", "array of anything", "array of alternatives", "alternatives"],
)
def test_a_list_whose_schema_says_little_of_its_objects_has_them(results, written, client_of_settings):
    def edit(document):
        document["components"]["schemas"]["PaginatedDummyStageList"]["properties"]["results"] = results

    client = client_of_settings(written(edit))
    assert client.post("/api/v3/stages/dummy/", {"name": "a"}).status == 201
    response = client.get("/api/v3/stages/dummy/")
    assert [stage["name"] for stage in response.json()["results"]] == ["a"]


def test_what_a_response_requires_and_a_new_object_may_lack_is_a_finding(written):
    def edit(document):
        document["components"]["schemas"]["DummyStage"]["required"] = ["throw_error"]

    def edit_without_default(document):
        edit(document)
        for name in ("DummyStage", "DummyStageRequest"):
            del document["components"]["schemas"][name]["properties"]["throw_error"]["x-create-default"]

    load(written(edit).contract)
    with pytest.raises(ContractError, match="A new object may lack 'throw_error', which the response requires"):
        load(written(edit_without_default).contract)


def test_a_model_that_requires_what_it_does_not_describe_is_a_finding(written):
    def edit(document):
        del document["components"]["schemas"]["Prompt"]["properties"]

    with pytest.raises(ContractError, match="'field_key' is required, but is not a property of the object"):
        load(written(edit).contract)


def test_a_save_that_python_takes_for_equal_is_looked_at(written):
    def make(default):
        def edit(document):
            document["components"]["parameters"]["Page"]["schema"]["default"] = default

        return written(edit)

    draft = Draft()
    load_draft(make(1), draft)
    with pytest.raises(ContractError, match="true is not of type"):
        load_draft(make(True), draft)


@pytest.mark.parametrize(
    "path",
    ["/flows/bindings/", "/policies/bindings/", "/stages/dummy/", "/flows/instances/"],
    ids=lambda path: path.strip("/"),
)
def test_an_object_that_is_created_is_answered_by_the_schema_of_its_model(path, written):
    def edit(document):
        (media,) = document["paths"][path]["post"]["responses"]["201"]["content"].values()
        media["schema"] = {}

    with pytest.raises(ContractError, match="The response schema has no `x-model` of"):
        load(written(edit).contract)


def test_a_model_of_alternatives_is_a_finding(written):
    def edit(document):
        schema = document["components"]["schemas"]["ConsentStage"]
        schema["allOf"] = [{"oneOf": [*schema["allOf"], {"type": "integer"}]}]

    with pytest.raises(ContractError, match="The schema of a model can't have `oneOf`"):
        load(written(edit).contract)


def without_types(node):
    """Take the types of prompts out of examples."""
    if isinstance(node, dict):
        if "field_key" in node:
            node.pop("type", None)
        for value in node.values():
            without_types(value)
    elif isinstance(node, list):
        for value in node:
            without_types(value)


def test_a_stored_property_that_a_part_of_its_schema_makes_write_only_is_not_answered(written, client_of_settings):
    def edit(document):
        document["components"]["schemas"]["PromptTypeEnum"]["writeOnly"] = True
        for path, item in document["paths"].items():
            if "/prompts/" in path:
                for operation in (item[method] for method in ("get", "post", "put", "patch") if method in item):
                    without_types(operation["responses"])

    client = client_of_settings(written(edit))
    prompt = {"name": "a", "field_key": "a", "label": "a", "type": "text"}
    response = client.post("/api/v3/stages/prompt/prompts/", prompt)
    assert (response.status, "type" in response.json()) == (201, False)


def test_a_column_that_is_write_only_is_not_answered(written, client_of_settings, make_flow):
    def edit(document):
        flow = document["components"]["schemas"]["Flow"]
        flow["properties"]["title"]["writeOnly"] = True
        for item in document["paths"].values():
            for operation in (item[method] for method in ("get", "post", "put", "patch") if method in item):
                without_titles(operation["responses"])

    client = client_of_settings(written(edit))
    assert client.post("/api/v3/flows/instances/", make_flow(slug="flow", title="hush")).status == 201
    for path in ("", "flow/"):
        response = client.get(f"/api/v3/flows/instances/{path}")
        assert (response.status, b"flow" in response.body, b"title" in response.body) == (200, True, False)


def without_titles(node):
    """Take the titles of whole flows out of examples."""
    if isinstance(node, dict):
        if "cache_count" in node:
            node.pop("title", None)
        for value in node.values():
            without_titles(value)
    elif isinstance(node, list):
        for value in node:
            without_titles(value)


@pytest.mark.parametrize(
    ("schema", "name", "keyword", "value", "problem"),
    [
        ("Pagination", "end_index", "enum", [1, 2], "The server returns 0 in 'pagination.end_index'"),
        ("Pagination", "count", "maximum", 50, "The server returns 1000000000 in 'pagination.count'"),
        ("Policy", "bound_to", "maximum", 7, "The server returns 1000000000"),
    ],
)
def test_a_response_that_does_not_admit_what_the_server_gives_is_a_finding(
    schema, name, keyword, value, problem, written
):
    def edit(document):
        document["components"]["schemas"][schema]["properties"][name][keyword] = value

    with pytest.raises(ContractError) as caught:
        load(written(edit).contract)
    found = [str(finding) for finding in caught.value.findings]
    assert any(problem in finding for finding in found), found


def test_a_response_that_excludes_the_limit_of_what_is_sent_is_a_finding(written):
    def edit(document):
        threshold = document["components"]["schemas"]["PasswordPolicy"]["properties"]["zxcvbn_score_threshold"]
        threshold |= {"exclusiveMaximum": True}

    with pytest.raises(
        ContractError, match="The response admits fewer values of 'zxcvbn_score_threshold' than the request"
    ):
        load(written(edit).contract)


def test_a_response_that_refuses_a_choice_by_its_format_is_a_finding(written):
    def edit(document):
        document["components"]["schemas"]["Flow"]["properties"]["authentication"]["format"] = "byte"

    with pytest.raises(
        ContractError, match="The response does not admit a value of 'authentication' that the request admits"
    ):
        load(written(edit).contract)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            ("Flow", "properties", "export_url", "x-url-template", "/flows/{slug/"),
            "The braces of the template hold no name",
        ),
        (
            ("Flow", "properties", "export_url", "x-url-template", "/flows/{slug:d}/"),
            "The braces of the template hold no name",
        ),
        (
            ("Flow", "properties", "export_url", "x-url-template", "/flows/{slug}}/"),
            "The braces of the template hold no name",
        ),
        (
            ("Flow", "properties", "export_url", "x-url-template", "/flows/{stages}/"),
            "names 'stages', which is not a string",
        ),
        (
            ("Flow", "properties", "export_url", "x-url-template", "/{export_url}/"),
            "names 'export_url', which is not a string",
        ),
        (
            ("DummyStage", "x-model", "collection", "stagess"),
            "There is no collection 'stagess'. Did you mean `stages`",
        ),
        (
            ("IdentificationStageRequest", "properties", "password_stage", "x-references", "on_delete", "cascade_many"),
            "The store has another `on_delete` for 'password_stage'. Write `set_null`",
        ),
        (
            ("FlowStageBindingRequest", "properties", "target", "x-references", "on_delete", "set_null"),
            "The store has another `on_delete` for 'target'. Write `cascade`",
        ),
    ],
)
def test_an_extension_that_would_not_hold_is_a_finding(edit, problem, written):
    def change(document):
        *path, key, value = edit
        node = document["components"]["schemas"]
        for name in path:
            node = node[name]
        node[key] = value

    with pytest.raises(ContractError) as caught:
        load(written(change).contract)
    found = [str(finding) for finding in caught.value.findings]
    assert any(problem in finding for finding in found), found


def test_two_kinds_of_one_name_are_listed(written, client_of_settings):
    def edit(document):
        document["components"]["schemas"]["DenyStage"]["x-model"]["verbose_name"] = "Dummy Stage"

    response = client_of_settings(written(edit)).get("/api/v3/stages/all/types/")
    assert [kind["name"] for kind in response.json()].count("Dummy Stage") == 2


def test_a_text_in_a_url_is_percent_encoded(written, client_of_settings):
    def edit(document):
        url = {"type": "string", "readOnly": True, "x-url-template": "/stages/{name}/"}
        document["components"]["schemas"]["DummyStage"]["properties"]["url"] = url

    response = client_of_settings(written(edit)).post("/api/v3/stages/dummy/", {"name": "a b/c"})
    assert response.json()["url"].endswith("/stages/a%20b%2Fc/")


def test_a_change_that_refers_to_what_a_new_object_does_not_is_a_finding(written):
    def edit(document):
        schema = document["components"]["schemas"]["PatchedIdentificationStageRequest"]
        user_fields = dict(schema["properties"]["user_fields"])
        schema["properties"]["user_fields"] = user_fields | {
            "x-references": {"to": "policies", "on_delete": "cascade_many"}
        }

    with pytest.raises(ContractError, match="'user_fields' is not a reference in the store"):
        load(written(edit).contract)


@pytest.mark.parametrize(
    ("schema", "name", "problem"),
    [
        ("FlowRequest", "pk", "The store has no property 'pk'"),
        ("FlowRequest", "search", "The store has no property 'search'"),
        ("FlowRequest", "stages", "The store has no property 'stages'"),
        ("PolicyBindingRequest", "flow", "The store has no property 'flow'"),
        ("DummyStageRequest", "pk", "The server generates 'pk', and a request body has it"),
        ("DummyPolicyRequest", "bound_to", "The server generates 'bound_to', and a request body has it"),
    ],
)
def test_a_body_with_a_property_that_the_server_gives_is_a_finding(schema, name, problem, written):
    def edit(document):
        document["components"]["schemas"][schema]["properties"][name] = {"type": "string"}

    with pytest.raises(ContractError) as caught:
        load(written(edit).contract)
    found = [str(finding) for finding in caught.value.findings]
    assert any(problem in finding for finding in found), found
