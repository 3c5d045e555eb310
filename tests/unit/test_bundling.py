"""Contracts of several files: one document, and where its parts come from."""

import json
from pathlib import Path

import pytest
import yaml

from app.cli import fuzz
from app.contract.document.bundling import read
from app.contract.document.findings import ContractError

PARTED = Path(__file__).parents[1] / "contract" / "parted" / "small.yaml"


@pytest.fixture
def write(tmp_path):
    """Writes files and gives the path of the first."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
        return tmp_path / f"{next(iter(files))}.yaml"

    return write


def test_the_document_is_one():
    document = read(PARTED).document
    assert list(document) == ["openapi", "info", "servers", "x-permissions", "paths", "components"]
    assert {name: list(section) for name, section in document["components"].items()} == {
        "securitySchemes": ["token"],
        "responses": ["Refused"],
        "schemas": ["Thing", "Color"],
    }
    operation = document["paths"]["/things/{name}/"]["put"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    assert operation["responses"]["503"] == {"$ref": "#/components/responses/Refused"}
    color = document["components"]["schemas"]["Thing"]["properties"]["color"]
    assert color == {"allOf": [{"$ref": "#/components/schemas/Color"}], "x-create-default": "red"}


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ((), "small.yaml:1:1"),
        (("paths",), "small.yaml:9:1"),
        (("paths", "/things/{name}/"), "small.yaml:10:3"),
        (("paths", "/things/{name}/", "get"), "small.yaml:10:3"),
        (("paths", "/things/{name}/", "put"), "parts/things.yaml:9:5"),
        (("paths", "/things/{name}/", "put", "operationId"), "parts/things.yaml:10:7"),
        (("paths", "/things/{name}/", "put", "responses", "418"), "parts/things.yaml:33:7"),
        (("components", "responses", "Refused", "content"), "small.yaml:20:7"),
        (("components", "schemas"), "small.yaml:12:1"),
        (("components", "schemas", "Thing"), "parts/things.yaml:52:3"),
        (("components", "schemas", "Color", "enum", 1), "parts/colors.yaml:4:17"),
        (("components", "schemas", "Color", "type", "more"), "parts/colors.yaml:3:5"),
        (("components", "schemas", "Nothing"), "small.yaml:12:1"),
    ],
)
def test_each_part_is_found_in_its_file(pointer, place):
    assert str(read(PARTED, "small.yaml").locate(pointer)) == place


def test_further_files_are_called_like_the_first():
    contract = read(PARTED, "somewhere/small.yaml")
    assert contract.name == "somewhere/small.yaml"
    assert contract.locate(("components", "schemas", "Color")).file == "somewhere/parts/colors.yaml"


def test_files_are_called_by_their_path_from_the_working_directory(write, monkeypatch):
    path = write(a="a: {$ref: 'b.yaml#/schemas/B'}", b="schemas: {B: {}}")
    place = ("components", "schemas", "B")
    assert read(path).locate(place).file == str(path.parent / "b.yaml")
    monkeypatch.chdir(path.parent.parent)
    assert read(path).locate(place).file == f"{path.parent.name}/b.yaml"


def test_all_files_are_told():
    folder = PARTED.parent
    assert read(PARTED).files == (PARTED, folder / "parts/things.yaml", folder / "parts/colors.yaml")


def test_the_text_of_one_file_is_the_file(write):
    path = write(a="# Why\na: {b: 1}\n")
    assert read(path).text == path.read_bytes()


def test_the_text_of_several_files_is_yaml_in_their_order_without_aliases():
    contract = read(PARTED)
    text = contract.text.decode()
    assert yaml.safe_load(text) == contract.document
    assert list(yaml.safe_load(text)) == list(contract.document)
    assert text.startswith("openapi: 3.0.3\ninfo:\n  title: Things\n")
    assert not any(mark in text for mark in ("&", "*", "{}/:", "? "))


def test_several_files_are_fuzzed_as_one():
    with fuzz.as_one_file(PARTED, read(PARTED)) as path:
        assert json.loads(path.read_bytes()) == read(PARTED).document
    assert not path.exists()
    whole = PARTED.parents[1] / "small.yaml"
    with fuzz.as_one_file(whole, read(whole)) as path:
        assert path == whole


def test_text_of_several_lines_stays_so(write):
    path = write(
        a="a: {$ref: 'b.yaml#/schemas/B'}\nb: |\n  One.\n\n  Two: ü\nc: 'on'\nd: " + "long " * 50,
        b="schemas: {B: {}}",
    )
    text = read(path).text.decode()
    assert "b: |\n  One.\n\n  Two: ü\nc: 'on'\nd: long long" in text
    assert yaml.safe_load(text) == read(path).document


def test_what_stands_in_an_example_is_data(write):
    part = "schemas: {B: {example: {$ref: 'c.yaml#/d'}, properties: {example: {$ref: '#/schemas/C'}}}, C: {}}"
    document = read(write(a="a: {$ref: 'b.yaml#/schemas/B'}", b=part)).document
    assert document["components"]["schemas"]["B"] == {
        "example": {"$ref": "c.yaml#/d"},
        "properties": {"example": {"$ref": "#/components/schemas/C"}},
    }


def test_references_may_lead_into_a_component_and_to_the_first_file(write):
    path = write(
        a="a: {$ref: 'b.yaml#/schemas/B/properties/c~1d'}\nb: {$ref: 'a.yaml#/a'}",
        b="schemas: {B: {properties: {c/d: {$ref: 'a.yaml#/b'}}}}",
    )
    document = read(path).document
    assert document["a"] == {"$ref": "#/components/schemas/B/properties/c~1d"}
    assert document["b"] == {"$ref": "#/a"}
    assert document["components"] == {"schemas": {"B": {"properties": {"c/d": {"$ref": "#/b"}}}}}


def test_path_items_may_lead_to_others(write):
    path = write(
        a="paths: {/a/: {$ref: 'b.yaml#/paths/x'}, /b/: {$ref: '#/paths/~1c~1'}, /c/: {get: 2}}",
        b="paths: {x: {$ref: '#/paths/y'},\n  y: {get: 1}}",
    )
    contract = read(path, "a.yaml")
    assert contract.document["paths"] == {"/a/": {"get": 1}, "/b/": {"get": 2}, "/c/": {"get": 2}}
    assert str(contract.locate(("paths", "/a/", "get"))) == "b.yaml:2:7"
    assert str(contract.locate(("paths", "/b/", "get"))) == "a.yaml:1:77"


def test_a_symbolic_link_leads_no_further_than_a_path(write, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.yaml").write_text("schemas: {B: {}}")
    (inner / "b.yaml").symlink_to(tmp_path / "secret.yaml")
    (inner / "a.yaml").write_text("a: {$ref: 'b.yaml#/schemas/B'}")
    with pytest.raises(ContractError, match=r"a\.yaml:1:5: The file 'b\.yaml' is outside of the contract's folder\."):
        read(inner / "a.yaml", "a.yaml")


def test_the_first_file_may_be_a_symbolic_link(write, tmp_path):
    path = write(a="a: {$ref: 'b.yaml#/schemas/B'}", b="schemas: {B: {}}")
    link = tmp_path / "elsewhere" / "link.yaml"
    link.parent.mkdir()
    link.symlink_to(path)
    assert read(link).files == (tmp_path / "a.yaml", tmp_path / "b.yaml")


def test_the_mapping_of_a_discriminator_leads_to_the_same_schemas_as_before(write):
    mapping = "{c: '#/schemas/C', d: 'b.yaml#/schemas/D', e: C, f: 'a.yaml#/components/schemas/F'}"
    path = write(
        a="a: {$ref: 'b.yaml#/schemas/B'}\ncomponents: {schemas: {F: {}}}",
        b=f"schemas: {{B: {{discriminator: {{propertyName: kind, mapping: {mapping}}}}}, C: {{}}, D: {{}}}}",
    )
    assert read(path).document["components"]["schemas"]["B"]["discriminator"]["mapping"] == {
        "c": "#/components/schemas/C",
        "d": "#/components/schemas/D",
        "e": "C",
        "f": "#/components/schemas/F",
    }


def test_a_mapping_to_a_file_that_is_not_there_is_a_finding(write):
    path = write(a="a: {discriminator: {propertyName: kind, mapping: {c: 'b.yaml#/schemas/C'}}}")
    with pytest.raises(ContractError, match=r"a.yaml:1:51: The file 'b.yaml' can't be read"):
        read(path)


def test_properties_of_these_names_are_no_discriminators(write):
    path = write(a="schemas: {B: {properties: {discriminator: {mapping: {c: 'b.yaml#/C'}}, mapping: {}}}}")
    assert read(path).document["schemas"]["B"]["properties"]["discriminator"] == {"mapping": {"c": "b.yaml#/C"}}
