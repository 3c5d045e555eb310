"""Blueprints that need one another."""

import itertools

import pytest

from app.blueprints.import_order import apply_all
from app.errors import Unavailable
from tests.blueprints import DUMMY, FLOW, IDENTIFICATION, STAGE_BINDING, MemoryStore

FLOW_FILE = (
    f"entries: [{{model: {FLOW}, identifiers: {{slug: a}}, attrs: {{name: a, title: a, designation: recovery}}}}]"
)
STAGE_FILE = f"entries: [{{model: {DUMMY}, identifiers: {{name: s}}}}]"
BINDING_FILE = f"""
entries:
- model: {STAGE_BINDING}
  identifiers: {{target: !Find [{FLOW}, [slug, a]], stage: !Find [{DUMMY}, [name, s]], order: 0}}
"""
# Whether there is such a flow or not, this one can be applied.
OPTIONAL_FILE = f"""
entries:
- model: {IDENTIFICATION}
  identifiers: {{name: i}}
  attrs: {{recovery_flow: !Find [{FLOW}, [slug, a]]}}
"""


def texts(**files):
    return {name: text.encode() for name, text in files.items()}


@pytest.mark.parametrize("order", list(itertools.permutations(["flow", "stage", "binding", "optional"])))
def test_any_order(order):
    files = {"flow": FLOW_FILE, "stage": STAGE_FILE, "binding": BINDING_FILE, "optional": OPTIONAL_FILE}
    store = MemoryStore()
    outcomes = apply_all(store, texts(**{name: files[name] for name in order}))
    assert list(outcomes) == list(order)
    assert all(outcome.success for outcome in outcomes.values())
    flow = next(pk for pk, (model, _) in store.objects.items() if model == FLOW)
    stage = next(properties for model, properties in store.objects.values() if model == IDENTIFICATION)
    assert stage["recovery_flow"] == flow


def test_what_no_other_has_is_null_where_it_may_be():
    store = MemoryStore()
    outcomes = apply_all(store, texts(a=OPTIONAL_FILE, b=OPTIONAL_FILE.replace("name: i", "name: j"), c=STAGE_FILE))
    assert [outcome.success for outcome in outcomes.values()] == [True] * 3


def test_what_can_not_be_applied_is_told_and_the_rest_stays():
    store = MemoryStore()
    outcomes = apply_all(store, texts(violated="entries: [", binding=BINDING_FILE, stage=STAGE_FILE))
    assert [outcome.success for outcome in outcomes.values()] == [False, False, True]
    assert str(outcomes["binding"].findings[0]) == "4:25: target: This field may not be null."
    assert [model for model, _ in store.objects.values()] == [DUMMY]


def test_nothing_to_apply():
    assert apply_all(MemoryStore(), {}) == {}


def test_a_database_that_is_not_available():
    with pytest.raises(Unavailable):
        apply_all(MemoryStore(available=False), texts(a=STAGE_FILE))
