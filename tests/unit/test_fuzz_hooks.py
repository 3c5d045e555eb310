"""What is made of the data that Schemathesis generates, and of what it finds."""

import copy
import json
import re
from types import SimpleNamespace

import pytest
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import (
    CaseMetadata,
    ComponentInfo,
    FuzzingPhaseData,
    GenerationInfo,
    PhaseInfo,
    TestPhase,
)
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    JsonSchemaError,
    MissingHeaderNotRejected,
    RejectedPositiveData,
)
from schemathesis.transport.serialization import Binary

from app.conformance import false_positives, fuzz_hooks
from app.conformance.described import DescribedContract

PLACES = {
    "path_parameters": ParameterLocation.PATH,
    "query": ParameterLocation.QUERY,
    "body": ParameterLocation.BODY,
}
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


def schema(name):
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def document():
    """A contract of things, which lead to other things."""
    named = {"$ref": "#/components/schemas/Thing/properties/slug"}
    form = {"allOf": [schema("Form")["schema"]], "required": ["file"], "x-messages": {"required": "Send one."}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/things/": {
                "post": {
                    "operationId": "things_create",
                    "requestBody": {"content": {"application/json": schema("ThingRequest")}},
                    "responses": {
                        "201": {
                            "description": "It is there.",
                            "content": {"application/json": schema("Thing")},
                            "links": {
                                name: {"operationId": name, "parameters": {"path.slug": "$response.body#/slug"}}
                                for name in ("things_retrieve", "things_destroy")
                            },
                        }
                    },
                }
            },
            "/things/{slug}/": {
                "parameters": [
                    {"name": "slug", "in": "path", "required": True, "schema": named},
                    {"name": "title", "in": "query", "schema": {"type": "string"}, "x-filters": "title"},
                    {"name": "other", "in": "query", "schema": {"type": "string"}, "x-references": {"to": "things"}},
                ],
                "get": {
                    "operationId": "things_retrieve",
                    "responses": {"200": {"description": "It.", "content": {"application/json": schema("Thing")}}},
                },
                "delete": {"operationId": "things_destroy", "responses": {"204": {"description": "It is gone."}}},
            },
            "/talk/": {
                "get": {"responses": {"200": {"description": "It."}, "400": {"description": "There is nothing."}}},
                "post": {
                    "x-challenges": True,
                    "requestBody": {"content": {"application/json": schema("ThingRequest")}},
                    "responses": {"200": {"description": "A challenge."}},
                },
            },
            "/upload/": {
                "post": {
                    "requestBody": {"content": {"multipart/form-data": {"schema": form}}},
                    "responses": {"200": {"description": "Done."}},
                }
            },
        },
        "components": {
            "schemas": {
                "Thing": {
                    "x-model": {"name": "things.thing", "collection": "things"},
                    "properties": {"slug": {"type": "string"}},
                },
                "ThingRequest": {
                    "type": "object",
                    "x-messages": {"pattern": "{value} is wrong."},
                    "properties": {
                        "slug": {
                            "type": "string",
                            "maxLength": 20,
                            "pattern": "^[-a-z0-9]+$",
                            "x-unique": "It is taken.",
                        },
                        "letters": {"type": "string", "pattern": "^a*$", "x-unique": "It is taken."},
                        "other": {"type": "string", "nullable": True, "x-references": {"to": "things"}},
                        "others": {"type": "array", "x-references": {"to": "things"}},
                        "group": {"type": "string", "x-references": {"to": []}},
                    },
                },
                "Form": {"type": "object", "properties": {"file": {"type": "string"}, "clear": {"type": "boolean"}}},
            }
        },
    }


@pytest.fixture(autouse=True)
def own_run(monkeypatch):
    """Leave the run of the process, with the contract that other tests fuzz, as it was."""
    monkeypatch.setattr(fuzz_hooks, "_run", None)


@pytest.fixture
def api():
    """The contract as Schemathesis has loaded it."""
    return schemathesis.openapi.from_dict(document())


@pytest.fixture
def run(api):
    """A run that has come across five things, and whose next request does not go astray."""
    for number in range(5):
        fuzz_hooks._run.known.put("things.thing", {"pk": f"pk-{number}", "slug": f"slug-{number}"})
    next(fuzz_hooks._run.numbers)
    return fuzz_hooks._run


@pytest.fixture
def case(api, run):
    """Makes a case, all of whose parts are meant to be right but for those that are named as bad."""

    def make(method, path, *bad, media_type="application/json", **parts):
        operation = api[path][method]
        places = {PLACES[part]: ComponentInfo(mode=BAD if part in bad else GOOD) for part in parts}
        meta = CaseMetadata(
            generation=GenerationInfo(time=0, mode=BAD if bad else GOOD),
            components=places,
            phase=PhaseInfo(name=TestPhase.FUZZING, data=FuzzingPhaseData(None, None, None, None)),
        )
        return schemathesis.Case(operation, method, path, media_type=media_type, meta=meta, **parts)

    return make


def sent(case):
    fuzz_hooks.before_call(None, case, {})
    return case


def answered(status, body=None):
    request = SimpleNamespace(headers={"Authorization": "Bearer me", "Content-Length": "3"})
    return SimpleNamespace(status_code=status, content=json.dumps(body).encode(), request=request)


def finds(failure, case, response, **details):
    """Whether a failure is kept."""
    return fuzz_hooks.filter_failure(None, failure(operation="", message="", **details), case, response)


def test_sentences_are_not_taken_for_keywords(api):
    assert "x-messages" not in str(api.raw_schema)
    assert "x-unique" in str(api.raw_schema)


def test_files_of_a_form_are_found(api):
    form = api.raw_schema["paths"]["/upload/"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form == {"required": ["file"], **document()["components"]["schemas"]["Form"]}


def test_a_value_of_its_own(case):
    slugs = [
        sent(case("POST", "/things/", body={"slug": slug})).body["slug"] for slug in ("a", "a", "b" * 18, "c" * 20)
    ]
    assert len(set(slugs)) == 4
    assert [len(slug) for slug in slugs][2:] == [18, 20]
    assert slugs[0].endswith("-a")
    assert all(re.fullmatch("[-a-z0-9]{1,20}", slug) for slug in slugs)


def test_a_value_that_can_have_no_other_form(case):
    assert sent(case("POST", "/things/", body={"letters": "aa"})).body == {"letters": "aa"}


def test_references_lead_to_what_is_there(case):
    body = sent(case("POST", "/things/", body={"other": "x", "others": ["x", "y"], "title": "x"})).body
    assert {body["other"], *body["others"]} <= {f"pk-{number}" for number in range(5)}
    assert len(body["others"]) == 2
    assert body["title"] == "x"


@pytest.mark.parametrize("body", [{"other": None}, {"others": []}, {"other": "pk-3"}, [], "x", None])
def test_what_names_nothing_or_what_is_there_stays(case, body):
    assert sent(case("POST", "/things/", body=body)).body == body


def test_references_of_a_run_that_has_seen_nothing(case, run):
    for number in range(5):
        run.known.discard(f"pk-{number}")
    assert sent(case("POST", "/things/", body={"other": "x", "others": ["x"]})).body == {"other": "x", "others": ["x"]}


def test_what_never_leads_anywhere_is_left_out(case):
    assert sent(case("POST", "/things/", body={"group": "x"})).body == {}


def test_what_never_leads_anywhere_stays_where_it_is_needed(case, api):
    api.raw_schema["components"]["schemas"]["ThingRequest"]["required"] = ["group"]
    sent_case = sent(case("POST", "/things/", body={"group": "x", "slug": "a"}))
    assert sent_case.body["group"] == "x"
    assert sent_case.body["slug"].endswith("-a")


def test_one_of_several_goes_astray(case):
    named = [sent(case("POST", "/things/", body={"other": "x", "group": "x"})).body for _ in range(8)]
    assert named.count({"other": "x", "group": "x"}) == 2


def test_paths_lead_to_what_is_there_and_no_filter_hides_it(case):
    found = sent(
        case("GET", "/things/{slug}/", path_parameters={"slug": "x"}, query={"title": "a", "other": "x", "b": "c"})
    )
    assert found.path_parameters["slug"] in {f"slug-{number}" for number in range(5)}
    assert found.query["other"] in {f"pk-{number}" for number in range(5)}
    assert found.query.keys() == {"other", "b"}


@pytest.mark.parametrize("slug", ["slug-4", "slug-2"])
def test_a_path_that_leads_to_what_is_or_was_there_stays(case, run, slug):
    run.known.discard("slug-2")
    assert sent(case("GET", "/things/{slug}/", path_parameters={"slug": slug})).path_parameters == {"slug": slug}


def test_the_last_objects_are_spared(case, run):
    deleted = set()
    for _ in range(20):
        case_sent = sent(case("DELETE", "/things/{slug}/", path_parameters={"slug": "x"}))
        deleted.add(case_sent.path_parameters["slug"])
        fuzz_hooks.after_call(None, case_sent, answered(204))
    assert len(deleted - {"x"}) == 5 - fuzz_hooks.SPARED
    assert len(run.known.names({"things.thing"}, ["slug"])) == fuzz_hooks.SPARED


@pytest.mark.parametrize("own", ["slug-1", "7", 7])
@pytest.mark.parametrize("bad", [[], ["path_parameters"]])
def test_what_the_credentials_depend_on_is_not_changed(case, monkeypatch, own, bad):
    monkeypatch.setattr(fuzz_hooks, "_credentials", frozenset({"slug-1", "7"}))
    for _ in range(8):
        found = sent(case("DELETE", "/things/{slug}/", *bad, path_parameters={"slug": own}))
        assert str(found.path_parameters["slug"]) not in {"slug-1", "7"}


def test_what_the_credentials_depend_on_is_read(case, monkeypatch):
    monkeypatch.setattr(fuzz_hooks, "_credentials", frozenset({"slug-1"}))
    found = sent(case("GET", "/things/{slug}/", path_parameters={"slug": "slug-1"}))
    assert found.path_parameters == {"slug": "slug-1"}


def test_a_body_that_is_meant_to_be_wrong_stays(case):
    assert sent(case("POST", "/things/", "body", body={"slug": 1, "other": "x"})).body == {"slug": 1, "other": "x"}


@pytest.mark.parametrize("bad", ["path_parameters", "query"])
def test_only_the_part_that_is_meant_to_be_wrong_stays(case, bad):
    parts = {"path_parameters": {"slug": "x"}, "query": {"other": "x"}}
    asked = sent(case("GET", "/things/{slug}/", bad, **parts))
    assert [name for name, value in parts.items() if getattr(asked, name) == value] == [bad]


def test_a_case_that_says_nothing_of_itself_stays(api, run):
    plain = schemathesis.Case(api["/things/"]["POST"], "POST", "/things/", body={"slug": "a"})
    assert sent(plain).body == {"slug": "a"}


def test_what_is_answered_is_remembered(case, run):
    fuzz_hooks.after_call(None, case("POST", "/things/", body={}), answered(201, {"pk": "new", "slug": "slug-of-new"}))
    assert run.known.names({"things.thing"}, ["slug"])[-1] == "slug-of-new"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_answers_that_are_no_objects(case, run, body):
    fuzz_hooks.after_call(None, case("POST", "/things/", body={}), SimpleNamespace(status_code=201, content=body))
    assert len(run.known.names({"things.thing"}, ["pk"])) == 5


@pytest.mark.parametrize(
    ("method", "status", "query", "gone"),
    [
        ("DELETE", 204, {}, True),
        ("DELETE", 204, {"b": "c"}, True),
        ("GET", 404, {}, True),
        ("GET", 404, {"title": "a"}, False),
        ("GET", 200, {}, False),
        ("DELETE", 403, {}, False),
    ],
)
def test_what_is_gone_is_forgotten(case, run, method, status, query, gone):
    asked = case(method, "/things/{slug}/", path_parameters={"slug": "slug-1"}, query=query)
    fuzz_hooks.after_call(None, asked, answered(status))
    assert run.known.was_deleted("pk-1") is gone


@pytest.mark.parametrize(("slug", "kept"), [("slug-1", False), ("slug-2", True), ("x", True)])
def test_an_object_that_is_not_there_any_more(case, run, slug, kept):
    run.known.discard("pk-1")
    asked = case("GET", "/things/{slug}/", path_parameters={"slug": slug})
    details = {"created_with": "", "not_available_with": ""}
    assert finds(EnsureResourceAvailability, asked, answered(404), **details) is kept


@pytest.mark.parametrize(
    ("name", "status", "kept"), [("Authorization", 403, False), ("Authorization", 200, True), ("X-Other", 403, True)]
)
def test_credentials_that_are_missing(case, name, status, kept):
    details = {"header_name": name, "status_code": status, "expected_statuses": [401]}
    assert finds(MissingHeaderNotRejected, case("POST", "/things/", body={}), answered(status), **details) is kept


@pytest.mark.parametrize(
    ("status", "rejection", "kept"),
    [
        (400, {"slug": ["It is taken."]}, False),
        (400, {"slug": ["It is taken.", "It is ugly."]}, True),
        (400, {"other": ['Invalid pk "x" - object does not exist.']}, False),
        (400, {"other": ['Invalid pk "y" - object does not exist.']}, True),
        (422, {"slug": ["It is taken."]}, True),
        (400, "no object", True),
    ],
)
def test_good_data_that_is_refused(case, status, rejection, kept):
    asked = case("POST", "/things/", body={"slug": "a", "other": "x"})
    details = {"status_code": status, "allowed_statuses": []}
    assert finds(RejectedPositiveData, asked, answered(status, rejection), **details) is kept


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "parts", "rejection"),
    [
        ("POST", "/things/", {"body": {"other": "pk-1"}}, 'Invalid pk "pk-1" - object does not exist.'),
        ("POST", "/things/", {"body": {"others": ["pk-0", "pk-1"]}}, 'Invalid pk "pk-1" - object does not exist.'),
        (
            "GET",
            "/things/{slug}/",
            {"path_parameters": {"slug": "slug-0"}, "query": {"other": "pk-1"}},
            "Select a valid choice. That choice is not one of the available choices.",
        ),
    ],
)
def test_a_reference_to_what_another_client_has_deleted(case, api, gone, method, path, parts, rejection):
    asked = []

    async def things(scope, _receive, send):
        asked.append((scope["method"], scope["path"], dict(scope["headers"])[b"authorization"]))
        await send({"type": "http.response.start", "status": 404 if gone and "1" in scope["path"] else 200})
        await send({"type": "http.response.body", "body": b""})

    api.app = things
    (name,) = (parts.get("body") or parts["query"]).keys()
    refused = answered(400, {name: [rejection]})
    details = {"status_code": 400, "allowed_statuses": []}
    assert finds(RejectedPositiveData, case(method, path, **parts), refused, **details) is not gone
    assert asked[-1] == ("GET", "/things/slug-1/", b"Bearer me")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"file": Binary(b"x")}, False),
        ({"file": Binary(b"x"), "clear": []}, False),
        ({"file": [0, Binary(b"x")], "clear": [0, True]}, False),
        ({"file": Binary(b"x"), "clear": 0}, True),
        ({"clear": True}, True),
        ("no form", True),
    ],
)
def test_a_form_that_is_taken_though_it_should_be_wrong(case, body, kept):
    asked = case("POST", "/upload/", "body", media_type=fuzz_hooks.FORM, body=body)
    details = {"status_code": 200, "expected_statuses": []}
    assert finds(AcceptedNegativeData, asked, answered(200), **details) is kept


def test_a_body_that_is_taken_though_it_should_be_wrong(case):
    asked = case("POST", "/things/", "body", body={"slug": "a"})
    assert finds(AcceptedNegativeData, asked, answered(201), status_code=201, expected_statuses=[])


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"other": ""}, False),
        ({"other": "", "slug": "a"}, False),
        ({"other": "", "slug": ""}, True),
        ({"other": " "}, True),
        ({"group": ""}, True),
        ([], True),
    ],
)
def test_a_nullable_reference_may_be_blank(case, body, kept):
    asked = case("POST", "/things/", "body", body=body)
    assert finds(AcceptedNegativeData, asked, answered(201), status_code=201, expected_statuses=[]) is kept


@pytest.mark.parametrize(
    ("limit", "stored", "others", "kept"),
    [
        ({"maxLength": 3}, "long", [{}], False),
        ({"maxLength": 3}, "long", [{"maxLength": 2}, {"maxLength": 5}], False),
        ({"maxLength": 3}, "long", [{"maxLength": 2}], True),
        ({"maxLength": 3}, "long", [], True),
        ({"pattern": "^a"}, "long", [{}], False),
        ({"enum": ["a"]}, "long", [{}], True),
        ({"maxLength": 3}, 7, [{"type": "integer"}], True),
    ],
)
@pytest.mark.parametrize("listed", [True, False])
def test_a_stored_value_may_be_beyond_a_limit_that_another_version_does_not_have(
    monkeypatch, limit, stored, others, kept, listed
):
    def version(keywords):
        text = document()
        text["components"]["schemas"]["Thing"]["properties"]["slug"] = {"type": "string", **keywords}
        if listed:
            content = text["paths"]["/things/{slug}/"]["get"]["responses"]["200"]["content"]
            content["application/json"] = {"schema": {"type": "array", "items": schema("Thing")["schema"]}}
        return text

    monkeypatch.setattr(fuzz_hooks, "_other_versions", tuple)
    fuzz_hooks.share(lambda: map(DescribedContract, map(version, others)))
    operation = schemathesis.openapi.from_dict(version(limit))["/things/{slug}/"]["GET"]
    shown = {"slug": stored}
    response = schemathesis.Response(
        status_code=200, headers={"content-type": ["application/json"]},
        content=json.dumps([shown] if listed else shown).encode(),
        request=requests.Request("GET", "http://a.example").prepare(), elapsed=0.1, verify=False,
    )  # fmt: skip
    case = operation.Case(path_parameters={"slug": "a"})
    with pytest.raises(JsonSchemaError) as failed:
        operation.validate_response(response)
    assert fuzz_hooks.filter_failure(None, failed.value, case, response) is kept


def test_no_version_allows_what_an_operation_that_it_does_not_have_returns():
    contract = DescribedContract(document())
    assert not false_positives.allows(contract, "a", "GET", "/others/", 200, ())
    assert not false_positives.allows(contract, "a", "GET", "/things/{slug}/", 200, ("title",))


def test_a_body_is_required_if_there_has_to_be_something_in_it():
    upload, things = copy.deepcopy(document()), copy.deepcopy(document())
    fuzz_hooks.before_load_schema(None, upload)
    assert upload["paths"]["/upload/"]["post"]["requestBody"]["required"] is True
    assert "required" not in upload["paths"]["/things/"]["post"]["requestBody"]
    things["components"]["schemas"]["ThingRequest"]["anyOf"] = [{"required": ["slug"]}, {"required": ["other"]}]
    fuzz_hooks.before_load_schema(None, things)
    assert things["paths"]["/things/"]["post"]["requestBody"]["required"] is True


def test_files_are_texts():
    assert fuzz_hooks.as_text(None, SimpleNamespace(text="context: {}\n")) == "context: {}\n"


def test_bad_data_is_accepted_where_challenges_tell_of_it(case):
    asked = case("POST", "/talk/", "body", body={"slug": 1})
    assert finds(AcceptedNegativeData, asked, answered(200, {}), status_code=200, expected_statuses=[]) is False
    elsewhere = case("POST", "/things/", "body", body={"slug": 1})
    assert finds(AcceptedNegativeData, elsewhere, answered(201, {}), status_code=200, expected_statuses=[]) is True


def test_a_request_without_data_may_be_refused_without_a_message(case):
    details = {"status_code": 400, "allowed_statuses": []}
    refused = answered(400, None)
    refused.content = b""
    assert finds(RejectedPositiveData, case("GET", "/talk/"), refused, **details) is False
