"""`nullable`, wherever it stands: null is taken, answered and shown."""

import pytest

from app.contract.document.bundling import read
from app.contract.validation.schemas import Direction, SchemaReader, admits_null
from tests.contract.widgets import CONTRACT, ID, WIDGETS, serve

SCHEMAS = """
schemas:
  Color: {type: string, enum: [red, green]}
  Blank: {type: string, enum: ['']}
  Null: {enum: [null]}
  NullColor: {type: string, nullable: true, enum: [red, null]}
  Thing: {type: object, properties: {color: {$ref: '#/components/schemas/Color'}}, required: [color]}
  More: {type: object, properties: {size: {type: integer}}}
  Both: {allOf: [{$ref: '#/components/schemas/Thing'}, {$ref: '#/components/schemas/More'}]}
"""
COLOR, THING, BOTH = ({"$ref": f"#/components/schemas/{name}"} for name in ("Color", "Thing", "Both"))
BLANK, NULL, NULL_COLOR = ({"$ref": f"#/components/schemas/{name}"} for name in ("Blank", "Null", "NullColor"))
RED = {"color": "red", "size": 1}


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    path = tmp_path_factory.mktemp("contract") / "a.yaml"
    path.write_text(f"openapi: 3.0.3\ncomponents:{SCHEMAS.replace(chr(10), chr(10) + '  ')}\n")
    return read(path)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string", "nullable": True}, "red", 1),
        ({"type": "string", "enum": ["red", None], "nullable": True}, "red", "blue"),
        ({"allOf": [COLOR], "nullable": True}, "red", "blue"),
        ({"type": "string", "allOf": [COLOR], "nullable": True}, "red", "blue"),
        ({"allOf": [COLOR, {"maxLength": 3}], "nullable": True}, "red", "green"),
        ({"allOf": [BOTH], "nullable": True}, RED, {}),
        ({"allOf": [{"allOf": [COLOR]}], "nullable": True}, "red", "blue"),
        ({"allOf": [{"allOf": [COLOR], "nullable": True}]}, "red", "blue"),
        ({**COLOR, "nullable": True}, "red", "blue"),
        ({**BOTH, "nullable": True}, RED, {}),
        (NULL_COLOR, "red", "green"),
        ({"allOf": [NULL_COLOR]}, "red", "green"),
        ({"oneOf": [COLOR, BLANK, NULL], "nullable": True}, "", "blue"),
        ({"oneOf": [COLOR, BLANK], "nullable": True}, "", "blue"),
        ({"anyOf": [COLOR, BLANK], "nullable": True}, "", "blue"),
        ({"anyOf": [COLOR, {"type": "integer", "nullable": True}]}, 1, "blue"),
        ({"type": "string", "not": COLOR, "nullable": True}, "blue", "red"),
        ({"not": {"nullable": True, "allOf": [COLOR]}, "nullable": True}, "blue", "red"),
        ({"type": "array", "items": COLOR, "nullable": True}, ["red"], ["blue"]),
        ({"type": "string", "format": "uuid", "nullable": True}, "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "blue"),
        ({}, "red", ...),
        ({"enum": ["red", None]}, "red", "blue"),
    ],
    ids=str,
)
def test_null_is_a_value_beside_all_others(contract, direction, schema, right, wrong):
    validator = SchemaReader(contract, direction).validator(schema)
    assert validator.is_valid(None)
    assert validator.is_valid(right)
    assert wrong is ... or not validator.is_valid(wrong)
    assert admits_null(contract, schema)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    "schema",
    [
        *({"type": "string"}, COLOR, {"allOf": [COLOR]}, {"allOf": [NULL_COLOR, {"type": "string"}]}),
        *({"oneOf": [COLOR, BLANK]}, {"anyOf": [COLOR]}, {"not": {}}, {"not": NULL}, {"enum": ["a"]}),
        *({"allOf": [NULL_COLOR, COLOR]}, {"type": "string", "enum": ["red"], "nullable": True}),
    ],
    ids=str,
)
def test_null_is_no_value_where_nothing_says_so(contract, direction, schema):
    assert not SchemaReader(contract, direction).validator(schema).is_valid(None)
    assert not admits_null(contract, schema)


@pytest.mark.parametrize("direction", Direction)
def test_a_component_is_nullable_only_where_it_is_said(contract, direction):
    both = {"type": "object", "properties": {"a": {**THING, "nullable": True}, "b": THING}}
    validator = SchemaReader(contract, direction).validator(both)
    assert validator.is_valid({"a": None, "b": RED})
    (error,) = validator.iter_errors({"a": RED, "b": None})
    assert list(error.instance_path) == ["b"]


def test_objects_within_objects_of_the_same_schema_are_filled_in(tmp_path):
    text = CONTRACT.read_text("utf-8").replace(
        "    Widget:\n      type: object\n      properties:\n",
        "    Widget:\n      type: object\n      properties:\n"
        "        url: {type: string, readOnly: true, x-url-template: '/widgets/{name}/'}\n"
        "        inner: {$ref: '#/components/schemas/Widget', nullable: true}\n"
        "        others: {type: array, items: {$ref: '#/components/schemas/Widget', nullable: true}}\n",
    )
    contract = tmp_path / "widgets.yaml"
    contract.write_text(text, "utf-8")
    found = {"name": "a", "inner": {"name": "b", "inner": None, "others": [None, {"name": "c"}]}}
    response = serve(contract=contract, widgets_retrieve=lambda store, pk: found).get(f"{WIDGETS}{ID}/").json()
    assert response["url"] == "/api/widgets/a/"
    assert response["inner"]["url"] == "/api/widgets/b/"
    assert response["inner"]["others"][1]["url"] == "/api/widgets/c/"
