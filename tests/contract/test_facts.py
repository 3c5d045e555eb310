"""The contract holds everything that authentik 2024.8.1's own document says of the operations that are served."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FACTS = json.loads((FOLDER / "facts-2024.8.1.json").read_text("utf-8"))
OPERATIONS = {operation["operationId"]: operation for operation in FACTS["operations"]}
SETS = ("required", "enum")


def plain(schema, root):
    """A schema with references followed and `allOf` merged, without prose."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(root[schema["$ref"].rsplit("/", 1)[1]], root)
    merged = {}
    for part in schema.get("allOf", ()):
        merged |= plain(part, root)
    for keyword, value in schema.items():
        if keyword == "properties":
            merged[keyword] = {name: plain(member, root) for name, member in value.items()}
        elif keyword in ("items", "additionalProperties"):
            merged[keyword] = plain(value, root)
        elif keyword not in ("allOf", "description"):
            merged[keyword] = sorted(value) if keyword in SETS else value
    return merged


def missing(fact, ours, where):
    """What a fact says that ours does not say too."""
    if isinstance(fact, dict) and isinstance(ours, dict):
        for key, value in fact.items():
            yield from missing(value, ours[key], f"{where}.{key}") if key in ours else [f"{where}.{key} is missing"]
    elif fact != ours:
        yield f"{where} is {ours!r}, and {fact!r} in authentik's"


@pytest.fixture
def differences(contract):
    """Finds what one operation lacks."""
    schemas = contract.document["components"]["schemas"]

    def compare(fact, operation, item):
        found = {
            p["name"]: p
            for p in (
                contract.resolve((), p)[1] for p in (*operation.get("parameters", ()), *item.get("parameters", ()))
            )
        }
        for parameter in fact["parameters"]:
            ours = found.get(parameter["name"])
            if ours is None:
                yield f"the parameter {parameter['name']} is missing"
            else:
                yield from missing(plain(parameter["schema"], {}), plain(ours["schema"], schemas), parameter["name"])
        bodies = [("body", fact["requestBody"], operation.get("requestBody"))]
        bodies += [(code, answer, operation["responses"].get(code)) for code, answer in fact["responses"].items()]
        for name, theirs, ours in bodies:
            if (theirs is None) != (ours is None):
                yield f"{name} is there on one side only"
            elif theirs is not None:
                ours = contract.resolve((), ours)[1]
                if theirs["content"].keys() != ours.get("content", {}).keys():
                    yield f"{name} has other media types"
                    continue
                for media_type, schema in theirs["content"].items():
                    described = plain(ours["content"][media_type]["schema"], schemas)
                    yield from missing(plain(schema, FACTS["schemas"]), described, name)

    return compare


def test_each_operation_has_all_that_authentiks_has(contract, differences):
    found = []
    for (_, path, _), _, method, operation in contract.operations():
        fact = OPERATIONS[operation["operationId"]]
        assert (fact["method"], fact["path"]) == (method.upper(), path)
        assert (fact["tags"], fact["security"]) == (operation["tags"], operation["security"])
        found += [
            f"{operation['operationId']}: {what}"
            for what in differences(fact, operation, contract.document["paths"][path])
        ]
    assert found == []


def test_members_stand_in_authentiks_order_and_none_is_added(contract):
    for name, fact in FACTS["schemas"].items():
        ours = contract.document["components"]["schemas"].get(name)
        if ours is not None and "properties" in fact:
            assert list(ours["properties"]) == list(fact["properties"]), name


def test_each_line_of_the_allow_file_has_its_reason():
    lines = (FOLDER.parents[1] / "openapi" / "authentik-flows.allow").read_text("utf-8").splitlines()
    reason = False
    for line in lines:
        if line.startswith("#"):
            reason = True
        elif not line:
            reason = False
        else:
            assert reason, f"{line}: no reason stands above it"
            assert re.fullmatch(r"!?[\w*.\[\]:]+", line), line
