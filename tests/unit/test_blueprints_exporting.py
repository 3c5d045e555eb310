"""Flows as blueprints: what is written, in which order, and that it makes the same again."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.exporting import export
from app.blueprints.importing import apply
from app.errors import NotFound
from tests import graphs
from tests.blueprints import (
    DUMMY,
    DUMMY_POLICY,
    FLOW,
    IDENTIFICATION,
    POLICY_BINDING,
    PROMPT,
    PROMPT_STAGE,
    STAGE_BINDING,
    MemoryStore,
)


def pk(number):
    return f"00000000-0000-4000-8000-{number:012}"


def filled(*objects):
    """A store of objects, given as pairs of model and members, which have the pks 1, 2, ..."""
    store = MemoryStore()
    with store.write() as session:
        for number, (model, properties) in enumerate(objects, 1):
            complete = store.models[model].read_new(properties)
            store.repository(model).add(session, complete, pk(number))
    return store


def flow(slug, **properties):
    return FLOW, {"name": slug, "slug": slug, "title": "Title", "designation": "recovery"} | properties


WIRED = filled(
    flow("my-flow", name="é: \u2028"),
    (DUMMY, {"name": "b"}),
    (PROMPT, {"name": "prompt", "label": "Label", "required": False}),
    (DUMMY_POLICY, {"name": "policy", "result": True}),
    (PROMPT_STAGE, {"name": "a", "fields": [pk(3)], "validation_policies": [pk(4)]}),
    (STAGE_BINDING, {"target": pk(1), "stage": pk(2), "order": 10}),
    (STAGE_BINDING, {"target": pk(1), "stage": pk(5), "order": 0, "evaluate_on_plan": True, "re_evaluate_policies": False}),
    (POLICY_BINDING, {"policy": pk(4), "target": pk(1), "order": 0}),
    flow("not-reached"),
)  # fmt: skip


def test_a_flow_as_it_is_written():
    text = export(WIRED, ["my-flow"]).decode()
    assert re.sub(r"00000000-0000-4000-8000-0{11}", "", text) == (
        """\
context: {}
entries:
- attrs:
    designation: recovery
    layout: stacked
    name: "\\xE9: \\L"
    title: Title
  conditions: []
  identifiers:
    pk: 1
    slug: my-flow
  model: authentik_flows.flow
  permissions: []
  state: present
- attrs:
    label: Label
    name: prompt
    order: 0
    required: false
  conditions: []
  identifiers:
    pk: 3
  model: authentik_stages_prompt.prompt
  permissions: []
  state: present
- attrs:
    name: policy
    result: true
    wait_max: 5
  conditions: []
  identifiers:
    pk: 4
  model: authentik_policies_dummy.dummypolicy
  permissions: []
  state: present
- attrs:
    fields:
    - 3
    validation_policies:
    - 4
  conditions: []
  identifiers:
    name: a
    pk: 5
  model: authentik_stages_prompt.promptstage
  permissions: []
  state: present
- attrs: {}
  conditions: []
  identifiers:
    name: b
    pk: 2
  model: authentik_stages_dummy.dummystage
  permissions: []
  state: present
- attrs:
    evaluate_on_plan: true
    re_evaluate_policies: false
  conditions: []
  identifiers:
    order: 0
    pk: 7
    stage: 5
    target: 1
  model: authentik_flows.flowstagebinding
  permissions: []
  state: present
- attrs:
    re_evaluate_policies: true
  conditions: []
  identifiers:
    order: 10
    pk: 6
    stage: 2
    target: 1
  model: authentik_flows.flowstagebinding
  permissions: []
  state: present
- attrs:
    enabled: true
    timeout: 30
  conditions: []
  identifiers:
    order: 0
    pk: 8
    policy: 4
    target: 1
  model: authentik_policies.policybinding
  permissions: []
  state: present
metadata:
  labels:
    blueprints.goauthentik.io/generated: 'true'
  name: authentik Export - my-flow
version: 1
"""
    )


def test_several_flows_are_one_blueprint():
    document = yaml.safe_load(export(WIRED, ["not-reached", "my-flow"]))
    assert document["metadata"]["name"] == "authentik Export - not-reached, my-flow"
    assert [entry["identifiers"].get("slug") for entry in document["entries"][:3]] == ["not-reached", "my-flow", None]


def test_members_that_are_required_are_written_when_they_are_empty():
    store = filled(
        flow("a"),
        (PROMPT_STAGE, {"name": "s", "fields": []}),
        (STAGE_BINDING, {"target": pk(1), "stage": pk(2), "order": 0}),
    )
    assert yaml.safe_load(export(store, ["a"]))["entries"][1]["attrs"] == {"fields": []}


def test_objects_that_the_contract_would_refuse_now_are_written_whole():
    store = filled((FLOW, flow("a")[1]))
    store.objects[pk(1)][1]["layout"] = "floating"
    (entry,) = yaml.safe_load(export(store, ["a"]))["entries"]
    assert entry["attrs"]["layout"] == "floating"
    assert entry["attrs"]["compatibility_mode"] is False


def test_objects_that_lead_to_one_another_are_written():
    stage = {"password_stage": None}
    store = filled(
        flow("a"),
        (IDENTIFICATION, {"name": "x"} | stage),
        (IDENTIFICATION, {"name": "y", "password_stage": pk(2)}),
        (STAGE_BINDING, {"target": pk(1), "stage": pk(2), "order": 0}),
    )
    store.objects[pk(2)][1]["password_stage"] = pk(3)
    text = export(store, ["a"])
    assert [entry["identifiers"].get("name") for entry in yaml.safe_load(text)["entries"]][1:3] == ["y", "x"]
    (finding,) = apply(MemoryStore(), text).findings
    assert finding.message == f'Invalid pk "{pk(2)}" - object does not exist.'


def test_an_unknown_slug():
    with pytest.raises(NotFound) as caught:
        export(WIRED, ["my-flow", "nope"])
    assert str(caught.value) == "nope"


KINDS = graphs.kinds_in_memory()


@given(st.data(), st.randoms(use_true_random=False))
def test_an_export_makes_the_same_again(data, random):
    store = MemoryStore()
    slugs = graphs.draw_graph(data.draw, store, KINDS)
    text = export(store, slugs)
    copy = MemoryStore()
    outcome = apply(copy, text)
    assert outcome.success, outcome.findings
    assert {log["attributes"]["action"] for log in outcome.logs} == {"created"}
    assert export(copy, slugs) == text
    # All of it is as it was, and nothing that is bound to the flows is missing.
    assert (
        copy.objects.items() <= {key: (model, properties) for key, (model, properties) in store.objects.items()}.items()
    )
    bound = {key for key, (model, _) in store.objects.items() if model in (FLOW, STAGE_BINDING, POLICY_BINDING)}
    assert bound <= copy.objects.keys()
    # The order in which objects were made means nothing.
    keys = list(store.objects)
    random.shuffle(keys)
    store.objects = {key: store.objects[key] for key in keys}
    assert export(store, slugs) == text
    assert {log["attributes"]["action"] for log in apply(store, text).logs} == {"unchanged"}
