"""Blueprints as they are applied: what becomes of each entry, and that a wrong one changes nothing."""

import copy
from datetime import datetime

import pytest

from app.blueprints.importing import apply
from app.errors import Unavailable
from tests.blueprints import (
    DUMMY,
    FLOW,
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

PKS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]
A_FLOW = b"""version: 1
entries:
- identifiers:
    slug: imported
  id: flow
  model: authentik_flows.flow
  attrs:
    name: Imported
    title: Imported title
    designation: stage_configuration
"""
# A flow as blueprints usually have it: entries refer to one another by their ids.
WIRED = (
    A_FLOW
    + b"""- {model: authentik_stages_dummy.dummystage, id: first, identifiers: {name: first}}
- {model: authentik_policies_dummy.dummypolicy, id: policy, identifiers: {name: policy}, attrs: {result: yes}}
- model: authentik_stages_prompt.prompt
  id: prompt
  identifiers: {name: prompt}
  attrs: {label: Label, order: 10}
- model: authentik_stages_prompt.promptstage
  id: second
  identifiers: {name: second}
  attrs: {fields: [!KeyOf prompt], validation_policies: [!KeyOf policy]}
- model: authentik_flows.flowstagebinding
  id: binding
  identifiers: {target: !KeyOf flow, stage: !KeyOf first, order: 0}
- model: authentik_flows.flowstagebinding
  identifiers: {target: !KeyOf flow, stage: !KeyOf second, order: 1}
  attrs: {evaluate_on_plan: true, re_evaluate_policies: false}
- model: authentik_policies.policybinding
  identifiers: {target: !KeyOf binding, policy: !KeyOf policy, order: 0}
"""
)


@pytest.fixture
def store():
    return MemoryStore()


def objects(store, model):
    return [properties for name, properties in store.objects.values() if name == model]


def test_a_flow_is_created_updated_and_left_alone(store):
    outcome = apply(store, A_FLOW)
    assert outcome.success
    (log,) = outcome.logs
    ((pk, (_, flow)),) = store.objects.items()
    assert datetime.fromisoformat(log.pop("timestamp")).utcoffset().total_seconds() == 0
    assert log == {
        "log_level": "info",
        "logger": "flows.blueprints",
        "event": "3:3: authentik_flows.flow: created",
        "attributes": {
            "action": "created",
            "entry": 1,
            "id": "flow",
            "model": "authentik_flows.flow",
            "line": 3,
            "column": 3,
            "pk": pk,
        },
    }
    assert flow == {
        "name": "Imported",
        "slug": "imported",
        "title": "Imported title",
        "designation": "stage_configuration",
        "compatibility_mode": False,
        "layout": "stacked",
    }
    assert actions(apply(store, A_FLOW)) == ["unchanged"]
    assert actions(apply(store, A_FLOW.replace(b"Imported title", b"Other title"))) == ["updated"]
    assert objects(store, FLOW) == [{**flow, "title": "Other title"}]


def test_a_whole_flow(store):
    assert actions(apply(store, WIRED)) == ["created"] * 8
    before = copy.deepcopy(store.objects)
    assert actions(apply(store, WIRED)) == ["unchanged"] * 8
    assert store.objects == before
    by_name = {properties.get("name"): pk for pk, (_, properties) in store.objects.items()}
    first, second = objects(store, STAGE_BINDING)
    assert (first["target"], first["stage"]) == (by_name["Imported"], by_name["first"])
    assert (second["stage"], second["re_evaluate_policies"]) == (by_name["second"], False)
    (bound,) = objects(store, POLICY_BINDING)
    assert store.objects[bound["target"]] == (STAGE_BINDING, first)
    assert objects(store, PROMPT_STAGE)[0]["fields"] == [by_name["prompt"]]


@pytest.mark.parametrize(
    ("state", "existing", "action", "left"),
    [
        (b"present", False, "created", "new"),
        (b"present", True, "updated", "new"),
        (b"created", False, "created", "new"),
        (b"created", True, "unchanged", "old"),
        (b"must_created", False, "created", "new"),
        (b"must_created", True, "error", "old"),
        (b"absent", False, "skipped", None),
        (b"absent", True, "deleted", None),
        (b"!Format ['%s', absent]", True, "deleted", None),
    ],
)
def test_states(store, state, existing, action, left):
    text = A_FLOW + b"  state: present\n"
    if existing:
        apply(store, text.replace(b"Imported title", b"old"))
    outcome = apply(store, text.replace(b"present", state).replace(b"Imported title", b"new"))
    assert actions(outcome) == [action]
    assert [flow["title"] for flow in objects(store, FLOW)] == ([left] if left else [])
    if action == "error":
        assert said(outcome) == ["11:10: There is such an object already, and the state is must_created."]


def test_what_is_deleted_needs_no_valid_attributes(store):
    apply(store, A_FLOW)
    outcome = apply(store, A_FLOW.replace(b"stage_configuration", b"!KeyOf nope\n  state: absent"))
    assert actions(outcome) == ["deleted"]
    assert store.objects == {}


def test_a_pk_that_is_given(store):
    text = blueprint(stage("a", identifiers=f"{{pk: {PKS[1]}}}", attrs="{name: a}"))
    assert actions(apply(store, text)) == ["created"]
    assert list(store.objects) == [PKS[1]]
    assert actions(apply(store, text.replace(b"name: a", b"name: b"))) == ["updated"]
    assert objects(store, DUMMY)[0]["name"] == "b"


def test_an_object_is_known_by_its_pk_or_else_by_the_other_identifiers(store):
    """As in authentik: what was exported here can be imported where its names are taken, and its references follow."""
    apply(store, WIRED)
    by_name = {properties.get("name"): pk for pk, (_, properties) in store.objects.items()}
    text = f"""
entries:
- model: authentik_flows.flow
  identifiers: {{pk: {PKS[1]}, slug: imported}}
- model: authentik_stages_dummy.dummystage
  identifiers: {{pk: {by_name["first"].upper()}, name: renamed}}
- model: authentik_flows.flowstagebinding
  identifiers: {{pk: {PKS[2]}, target: {PKS[1]}, stage: {by_name["first"]}, order: 0}}
  attrs: {{evaluate_on_plan: true}}
- model: authentik_stages_prompt.promptstage
  identifiers: {{name: second}}
  attrs: {{fields: []}}
"""
    outcome = apply(store, text.encode())
    assert actions(outcome) == ["unchanged", "updated", "updated", "updated"]
    assert PKS[1] not in store.objects
    assert [properties["name"] for properties in objects(store, DUMMY)] == ["renamed"]
    assert sum(binding["evaluate_on_plan"] for binding in objects(store, STAGE_BINDING)) == 2


def test_conditions_context_and_tags(store):
    text = blueprint(
        stage("a", conditions="[]", attrs="{throw_error: !Context throws}", id="a"),
        stage("b", conditions="[true, !Context nope]", id="b"),
        stage("c", conditions=f"[!Find [{DUMMY}, [name, a]], !Condition [NAND, 1]]"),
        stage("d", conditions=f"[!Find [{DUMMY}, [name, a], [throw_error, true]]]"),
        stage("!Format ['%s-%s', !KeyOf a, e]", conditions="!Context list"),
        stage("f", conditions="[!Context goauthentik.io/enterprise/licensed]"),
        stage("g", conditions="~", permissions="[{permission: view, user: 1}]"),
        stage("h", model=DUMMY.replace("dummystage", "DummyStage"), attrs="~"),
        "- {model: authentik_blueprints.metaapplyblueprint, attrs: {identifiers: {name: x}}}\n",
        head="context: {throws: yes, list: [1]}\n",
    )
    outcome = apply(store, text)
    assert actions(outcome) == [
        *("created", "skipped", "skipped", "created", "created"),
        *("skipped", "created", "created", "skipped"),
    ]
    pks = list(store.objects)
    assert [properties["name"] for properties in objects(store, DUMMY)] == ["a", "d", f"{pks[0]}-e", "g", "h"]
    events = [log["event"] for log in outcome.logs if log["log_level"] == "info"]
    assert events[1] == f"4:3: {DUMMY}: skipped (its conditions do not hold)"
    assert events[6] == f"9:3: {DUMMY}: created (its permissions are ignored)"
    assert events[8].endswith(": skipped (each blueprint is applied by itself here)")


def test_members_that_the_model_does_not_have_are_ignored(store):
    assert apply(store, A_FLOW + b"    foo: bar\n    pk: 5\nfoo: bar\nmetadata: {name: x}\n").success
    assert len(store.objects) == 1


def test_a_find_that_finds_nothing_is_null_unless_it_must_not_be(store):
    text = blueprint(
        "- model: authentik_stages_identification.identificationstage\n"
        "  identifiers: {name: a}\n"
        "  attrs: {recovery_flow: !Find [authentik_flows.flow, [slug, imported], [pk, 5]]}\n"
    )
    assert said(apply(store, text, strict=True)) == ["5:26: There is no such object."]
    assert apply(store, text).success
    assert next(iter(store.objects.values()))[1]["recovery_flow"] is None


@pytest.mark.parametrize("text", [b"- a\n- b\n", b"hello", b"version: 1\nentries: []\n"])
def test_text_that_asks_for_nothing_is_told_so(store, text):
    store.available = False
    outcome = apply(store, text)
    assert (outcome.success, actions(outcome)) == (True, [])
    (line,) = noted(outcome)
    assert line.startswith("1:1: ")
    assert "no entries" in line


def test_a_database_that_is_not_available(store):
    store.available = False
    with pytest.raises(Unavailable):
        apply(store, A_FLOW)
