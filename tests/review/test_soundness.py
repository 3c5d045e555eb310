"""What is rated safe is safe: values are tried on both schemas, and whoever would be broken is told."""

import random

import pytest

from app.contract.document.contract import Contract, File
from app.contract.validation.schemas import Direction, SchemaReader
from app.review.comparing.differences import Rating, Side
from app.review.comparing.schemas import SchemaComparer
from tests.review import schemas

PLACE = (("components", "schemas", "It"),)


def contract(schema):
    document = {"paths": {}, "components": {"schemas": {"It": schema}}}
    return Contract((File(None, "it.yaml", b"", document, dict),), document, {})


def changes(old, new, side):
    return list(SchemaComparer(contract(old), contract(new)).compare(PLACE, PLACE, side).reachable())


def is_told(old, new, side):
    found = changes(old, new, side)
    # Who sent a member before it was there sent something else: that is left out of account.
    return any(change.rating is Rating.BREAKING for change in found) or (
        side is Side.REQUEST and any(change.difference.rule == "member-added" for change in found)
    )


def validator(schema):
    return SchemaReader(contract(schema), Direction.REQUEST).validator(schema)


@pytest.mark.parametrize("seed", range(4))
def test_whoever_a_value_breaks_is_told(seed):
    chance = random.Random(seed)
    shown = 0
    for _ in range(500):
        old = schemas.schema(chance)
        new = schemas.changed(chance, old)
        try:
            before, after = validator(old), validator(new)
        except ValueError:
            # Some of them are none: an exclusive limit without a limit.
            continue
        for value in [schemas.value(chance) for _ in range(30)]:
            taken, still = before.is_valid(value), after.is_valid(value)
            if taken is not still:
                shown += 1
                side = Side.REQUEST if taken else Side.ANSWER
                assert is_told(old, new, side), f"{side}: {value!r}\n{old}\n{new}"
    assert shown > 500


def test_a_schema_does_not_differ_from_itself():
    chance = random.Random(0)
    for _ in range(300):
        schema = schemas.schema(chance)
        for side in (Side.REQUEST, Side.ANSWER):
            assert changes(schema, schema, side) == []
