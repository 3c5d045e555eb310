"""Schemas that are composed of, or contain, too many others are found in whatever order they are declared."""

import pytest

from app.contract.checks.cycles import check_cycles
from app.contract.document.bundling import read

STEPS = {
    "composed": "allOf: [{{$ref: '#/components/schemas/S{next}'}}]",
    "nested": "properties: {{a: {{$ref: '#/components/schemas/S{next}'}}}}",
    "nested in items": "items: {{$ref: '#/components/schemas/S{next}'}}",
}


def chain(length, step, order):
    """A contract with a chain of schemas, each of which leads to the next."""
    schemas = [f"    S{number}: {{{step.format(next=number + 1)}}}" for number in range(length)]
    schemas.append(f"    S{length}: {{type: string}}")
    return "paths: {}\ncomponents:\n  schemas:\n" + "\n".join(order(schemas))


@pytest.mark.parametrize("order", [list, lambda schemas: schemas[::-1]], ids=["root first", "leaf first"])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(("length", "found"), [(90, 0), (150, 1), (3_000, 1)])
def test_a_chain_of_schemas_that_is_too_long_is_found_in_any_order(tmp_path, length, found, step, order):
    path = tmp_path / "a.yaml"
    path.write_text(chain(length, step, order), "utf-8")
    assert min(len(list(check_cycles(read(path)))), 1) == found
