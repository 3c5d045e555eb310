"""What the fuzzer reads from a contract."""

import pytest

from app.conformance.described import DescribedContract, Targets

THING = {
    "type": "object",
    "x-model": {"name": "things.thing", "collection": "things"},
    "properties": {
        "pk": {"type": "string"},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
    },
}
PART = {
    "allOf": [{"$ref": "#/components/schemas/Named"}],
    "type": "object",
    "x-model": {"name": "parts.part", "collection": "parts"},
    "properties": {"pk": {"type": "string"}, "thing": {"type": "string"}},
}
REQUEST = {
    "type": "object",
    "allOf": [{"$ref": "#/components/schemas/Named"}],
    "properties": {
        "thing": {"type": "string", "x-references": {"to": "things", "on_delete": "cascade"}},
        "either": {"type": "string", "x-references": {"to": ["things", "parts.part"], "identity": ["pk", "key"]}},
        "nobody": {"type": "array", "x-references": {"to": [], "on_delete": "set_null"}},
    },
    "x-unique-together": [{"members": ["thing", "name"], "message": "There is one already."}],
}


def content(reference):
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{reference}"}}}


def link(operation, pointer):
    return {"operationId": operation, "parameters": {"path.name": f"$response.body#/{pointer}"}}


@pytest.fixture
def contract():
    created = {"content": content("Part"), "links": {"one": link("parts_retrieve", "key")}}
    path_parameter = {"name": "name", "in": "path", "schema": {"type": "string"}}
    search = {"name": "search", "in": "query", "schema": {}, "x-searches": ["name"]}
    thing = {"name": "thing", "in": "query", "schema": {}, "x-references": {"to": "things"}, "x-filters": "thing"}
    page = {"name": "page", "in": "query", "schema": {}}
    return DescribedContract(
        {
            "paths": {
                "/parts/": {
                    "post": {"requestBody": {"$ref": "#/components/requestBodies/Part"}, "responses": {"201": created}}
                },
                "/parts/{name}/": {
                    "parameters": [{"$ref": "#/components/parameters/Name"}, search, thing],
                    "get": {
                        "operationId": "parts_retrieve",
                        "parameters": [page],
                        "responses": {"200": {"content": content("Part")}},
                    },
                },
                "/parts/count/": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}},
            },
            "components": {
                "parameters": {"Name": path_parameter},
                "requestBodies": {"Part": {"content": content("PartRequest")}},
                "schemas": {
                    "Thing": THING,
                    "Part": PART,
                    "PartRequest": REQUEST,
                    "Named": {
                        "properties": {
                            "name": {"type": "string", "maxLength": 20, "x-unique": "Part with this name exists."}
                        }
                    },
                },
            },
        }
    )


def test_what_is_unique(contract):
    create = contract.operation("POST", "/parts/")
    assert create.unique == {"name": {"type": "string", "maxLength": 20, "x-unique": "Part with this name exists."}}
    assert create.unique_together == {"There is one already."}


def test_references(contract):
    assert contract.operation("post", "/parts/").references == {
        "thing": Targets(frozenset({"things.thing"}), ("pk",), cascades=True),
        "either": Targets(frozenset({"things.thing", "parts.part"}), ("pk", "key")),
        "nobody": Targets(frozenset(), ("pk",)),
    }
    assert contract.holders() == {"parts.part": {"thing"}}


def test_parameters(contract):
    read = contract.operation("GET", "/parts/{name}/")
    assert read.filters == {"thing": Targets(frozenset({"things.thing"}), ("pk",))}
    assert read.narrowing == {"search", "thing"}
    assert read.path == {"name": Targets(frozenset({"parts.part"}), ("key",))}
    assert read.takes_input
    assert not contract.operation("GET", "/parts/count/").takes_input


def test_members_that_name_an_object(contract):
    assert contract.identities == {"pk", "key"}


def test_objects_within_an_answer(contract):
    part = {"pk": "1", "thing": "2"}
    thing = {"pk": "2", "parts": [part, None], "more": {"pk": "3"}}
    page = {"type": "object", "properties": {"results": {"type": "array", "items": THING}}}
    assert list(contract.objects(page, {"results": [thing]})) == [("things.thing", thing), ("parts.part", part)]
    assert list(contract.objects(page, ["no", "page"])) == []


@pytest.mark.parametrize(("value", "fits"), [({"name": "a", "nobody": []}, True), ({"name": 1}, False), ("a", False)])
def test_what_a_schema_describes(contract, value, fits):
    assert contract.describes(contract.flattened(REQUEST), value) is fits
