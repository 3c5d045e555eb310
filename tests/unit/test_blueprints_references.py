"""What entries refer to: deleted objects, base models, and the context that authentik gives every blueprint."""

import itertools

import pytest

from app.blueprints.importing import apply
from tests.blueprints import (
    DUMMY,
    DUMMY_POLICY,
    EXPRESSION,
    FLOW,
    IDENTIFICATION,
    POLICY_BINDING,
    PROMPT_STAGE,
    STAGE_BINDING,
    MemoryStore,
    actions,
    blueprint,
    noted,
    said,
    stage,
)

SWITCH = "state: !If [!Context remove, absent, present]"
ATTRS = "{name: a, title: a, designation: recovery}"
FLOW_ENTRY = f"- {{model: {FLOW}, id: flow, {SWITCH}, identifiers: {{slug: a}}, attrs: {ATTRS}}}\n"
STAGE_ENTRY = f"- {{model: {DUMMY}, id: stage, {SWITCH}, identifiers: {{name: a}}}}\n"
ENDS = "target: !KeyOf flow, stage: !KeyOf stage"
BINDING_ENTRY = f"- {{model: {STAGE_BINDING}, {SWITCH}, identifiers: {{{ENDS}, order: 0}}}}\n"
FINDING_ENTRY = BINDING_ENTRY.replace("!KeyOf flow", f"!Find [{FLOW}, [slug, a]]")
# A model that authentik has and this store does not.
EMAIL = "authentik_stages_email.emailstage"


@pytest.fixture
def store():
    return MemoryStore()


def switched(*entries, remove):
    return blueprint(*entries, head=f"context: {{remove: {str(remove).lower()}}}\n")


@pytest.mark.parametrize("binding", [BINDING_ENTRY, FINDING_ENTRY])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_entries_that_are_switched_to_absent_delete_what_they_made_in_any_order(store, order, binding):
    entries = [FLOW_ENTRY, STAGE_ENTRY, binding]
    assert actions(apply(store, switched(*entries, remove=False))) == ["created"] * 3
    text = switched(*(entries[number] for number in order), remove=True)
    assert {*actions(apply(store, text))} <= {"deleted", "skipped"}
    assert store.objects == {}
    assert actions(apply(store, text)) == ["skipped"] * 3


def test_an_absent_entry_that_refers_to_a_present_one_below_is_wrong(store):
    entries = [BINDING_ENTRY.replace(SWITCH, "state: absent"), FLOW_ENTRY, STAGE_ENTRY]
    assert len(said(apply(store, switched(*entries, remove=False)))) == 2


def test_an_absent_entry_whose_references_are_gone_is_skipped_and_told(store):
    outcome = apply(store, switched(FLOW_ENTRY, STAGE_ENTRY, BINDING_ENTRY, remove=True))
    assert [log["event"].rpartition(": ")[2] for log in outcome.logs] == [
        "skipped (there is no such object)",
        "skipped (there is no such object)",
        "skipped (what it refers to is gone)",
    ]


def test_an_absent_entry_that_refers_to_no_entry_at_all_is_wrong(store):
    entry = BINDING_ENTRY.replace("!KeyOf flow", "!KeyOf flwo")
    (line,) = said(apply(store, switched(FLOW_ENTRY, STAGE_ENTRY, entry, remove=True)))
    assert line.endswith("No entry above has the id 'flwo' and an object.")


def test_a_present_entry_that_refers_to_an_absent_one_is_wrong(store):
    (line,) = said(apply(store, switched(STAGE_ENTRY, stage("b", conditions="[!KeyOf stage]"), remove=True)))
    assert line.endswith("No entry above has the id 'stage' and an object.")


def test_an_absent_entry_of_a_model_that_is_not_served_is_skipped(store):
    outcome = apply(store, blueprint(stage("a", model=EMAIL, state="absent")))
    assert actions(outcome) == ["skipped"]
    assert outcome.logs[0]["event"].endswith("(no objects of this model are kept here)")


def test_an_absent_entry_of_a_model_that_nobody_knows_is_wrong(store):
    assert said(apply(store, blueprint(stage("a", model="authentik_stages_dummy.dumystage", state="absent"))))


# Base models.


@pytest.mark.parametrize("name", ["authentik_flows.stage", "authentik_flows.Stage"])
@pytest.mark.parametrize(("model", "attrs"), [(DUMMY, "{}"), (PROMPT_STAGE, "{fields: []}"), (IDENTIFICATION, "{}")])
def test_a_stage_of_any_model_is_found_by_the_base_model(store, name, model, attrs):
    finding = FINDING_ENTRY.replace("!KeyOf stage", f"!Find [{name}, [name, a]]")
    made = STAGE_ENTRY.replace(DUMMY, model).replace("}\n", f", attrs: {attrs}}}\n")
    assert actions(apply(store, switched(FLOW_ENTRY, made, finding, remove=False))) == ["created"] * 3
    (binding,) = [properties for kind, properties in store.objects.values() if kind == STAGE_BINDING]
    assert store.objects[binding["stage"]][0] == model


@pytest.mark.parametrize("model", [DUMMY_POLICY, EXPRESSION])
def test_a_policy_of_any_model_is_found_by_the_base_model(store, model):
    policy = f"- {{model: {model}, identifiers: {{name: p}}, attrs: {{expression: x, execution_logging: true}}}}\n"
    find = "!Find [authentik_policies.policy, [name, p], [execution_logging, true]]"
    binding = f"- {{model: {POLICY_BINDING}, identifiers: {{target: !KeyOf flow, policy: {find}, order: 0}}}}\n"
    assert actions(apply(store, switched(policy, FLOW_ENTRY, binding, remove=False))) == ["created"] * 3


def test_a_base_model_is_looked_up_by_what_all_its_models_have(store):
    (line,) = said(
        apply(store, blueprint(stage("a", conditions="[!Find [authentik_flows.stage, [throw_error, true]]]")))
    )
    assert line.endswith("authentik_flows.stage has no property 'throw_error'.")


def test_no_object_is_made_of_a_base_model(store):
    (line,) = said(apply(store, blueprint(stage("a", model="authentik_flows.stage"))))
    assert "name one of" in line
    assert DUMMY in line


# The context.


def test_the_context_has_what_authentik_gives_every_blueprint(store):
    text = blueprint(
        stage("a", conditions="[!Context goauthentik.io/rbac/models]"),
        stage("b", conditions="[!Context goauthentik.io/enterprise/licensed]"),
        stage("!Format ['%s', !AtIndex [!Context goauthentik.io/rbac/models, flow]]"),
    )
    outcome = apply(store, text)
    assert actions(outcome) == ["created", "skipped", "created"]
    assert noted(outcome) == []
    assert [properties["name"] for _, properties in store.objects.values()] == ["a", "authentik_flows"]


def test_the_own_context_goes_before_that_of_authentik(store):
    key = "goauthentik.io/enterprise/licensed"
    text = blueprint(stage("a", conditions=f"[!Context {key}]"), head=f"context: {{{key}: true}}\n")
    assert actions(apply(store, text)) == ["created"]


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ("[target__slug, a]", "created"),
        ("[target__slug, a], [stage__name, s]", "created"),
        ("[target__slug, a], [target__name, a]", "created"),
        ("[target__slug, nothing]", "error"),
        ("[target__slug, a], [target__slug, nothing]", "error"),
        ("[target__nothing, a]", "error"),
        ("[target__slug__slug, a]", "error"),
        ("[order__slug, a]", "error"),
        (f"[target{'__target' * 10_000}, a]", "error"),
    ],
)
def test_an_object_is_found_by_the_properties_of_those_to_which_it_refers(store, properties, found):
    text = blueprint(
        f"- {{model: {FLOW}, id: flow, identifiers: {{slug: a}}, attrs: {{name: a, title: a, designation: recovery}}}}\n",
        stage("s", id="s"),
        f"- {{model: {STAGE_BINDING}, id: b, identifiers: {{target: !KeyOf flow, stage: !KeyOf s, order: 0}}}}\n",
        f"- {{model: {POLICY_BINDING}, identifiers: {{target: !Find [{STAGE_BINDING}, {properties}], order: 0}}}}\n",
    )
    outcome = apply(store, text)
    assert actions(outcome)[-1] == found, outcome.findings
