"""Entries of models that are not served: refused, or skipped with what depends on them."""

import pytest

from app.blueprints.import_order import apply_all
from app.blueprints.importing import apply
from tests.blueprints import (
    DUMMY,
    FLOW,
    IDENTIFICATION,
    PROMPT_STAGE,
    STAGE_BINDING,
    MemoryStore,
    actions,
    blueprint,
    said,
    stage,
)

# A model that authentik has and this store does not, and one that nobody has.
EMAIL, NOBODY = "authentik_stages_email.emailstage", "nobody.nothing"
PK = "00000000-0000-4000-8000-000000000001"
FLOW_ENTRY = (
    f"- {{model: {FLOW}, id: flow, identifiers: {{slug: a}}, attrs: {{name: a, title: a, designation: recovery}}}}\n"
)


@pytest.fixture
def store():
    return MemoryStore()


DEPENDENT = [
    stage("b", id="b", model=PROMPT_STAGE, attrs="{fields: [!KeyOf lost]}"),
    stage("b", id="b", model=PROMPT_STAGE, attrs=f"{{fields: [{PK}]}}"),
    stage("b", id="b", conditions="[!KeyOf lost]"),
    stage("b", id="b", model=IDENTIFICATION, attrs=f"{{recovery_flow: !Find [{EMAIL}, [name, a]]}}"),
    f"- {{model: {STAGE_BINDING}, id: b, identifiers: {{target: !KeyOf flow, stage: !KeyOf lost, order: 0}}}}\n",
]


@pytest.mark.parametrize("dependent", DEPENDENT)
@pytest.mark.parametrize("model", [EMAIL, NOBODY])
def test_what_is_not_served_and_what_depends_on_it_is_skipped_if_that_is_asked_for(store, model, dependent):
    lost = stage("a", id="lost", model=model, identifiers=f"{{pk: {PK}, name: a}}")
    text = blueprint(lost, FLOW_ENTRY, dependent, stage("c", conditions="[!KeyOf b]"), stage("d"))
    outcome = apply(store, text, skip_unknown=True)
    assert actions(outcome) == ["skipped", "created", "skipped", "skipped", "created"]
    assert [model for model, _ in store.objects.values()] == [FLOW, DUMMY]
    events = [log["event"] for log in outcome.logs]
    assert model in events[0]
    assert all("not served here" in event or "it depends on entry " in event for event in (events[2], events[3]))
    assert not apply(store, text).success


def test_everything_that_is_not_served_is_listed_unless_it_is_skipped(store):
    find = f"[!Find [{EMAIL}, [name, a]]]"
    text = blueprint(stage("a", model=EMAIL), stage("b", model=NOBODY), stage("c", conditions=find), stage("d"))
    assert [line.split(":")[0] for line in said(apply(store, text))] == ["3", "4", "5"]
    assert actions(apply(store, text, skip_unknown=True)) == ["skipped", "skipped", "skipped", "created"]


def test_what_is_wrong_otherwise_is_not_skipped(store):
    text = blueprint(
        stage("a", model=EMAIL), stage("b", state="gone"), stage("c", model="!KeyOf x"), stage("d", model="5")
    )
    assert [line.split(":")[0] for line in said(apply(store, text, skip_unknown=True))] == ["4", "5", "6"]
    assert store.objects == {}


def test_all_of_several_blueprints_are_applied_as_far_as_they_are_served(store):
    texts = {"a": blueprint(stage("a", model=EMAIL)), "b": blueprint(stage("b"))}
    assert [outcome.success for outcome in apply_all(store, texts).values()] == [False, True]
    assert [outcome.success for outcome in apply_all(store, texts, skip_unknown=True).values()] == [True, True]
