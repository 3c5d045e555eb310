"""Blueprints as they are applied: what becomes of each entry, and that a wrong one changes nothing."""

import copy
import itertools
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.importing import apply
from app.errors import Unavailable
from tests.blueprints import DUMMY, FLOW, POLICY_BINDING, PROMPT_STAGE, STAGE_BINDING, MemoryStore

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


def actions(outcome):
    return [log["attributes"]["action"] for log in outcome.logs]


def said(outcome):
    """What is wrong, as lines; nothing was applied."""
    assert not outcome.success
    assert outcome.mistakes
    return [str(mistake) for mistake in outcome.mistakes]


def objects(store, model):
    return [members for name, members in store.objects.values() if name == model]


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
    by_name = {members.get("name"): pk for pk, (_, members) in store.objects.items()}
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


def stage(name, **members):
    """An entry of a dummy stage, on a line."""
    parts = {"model": DUMMY, "identifiers": f"{{name: {name}}}"} | members
    return f"- {{{', '.join(f'{key}: {value}' for key, value in parts.items())}}}\n"


def blueprint(*entries, head="version: 1\n"):
    return (head + "entries:\n" + "".join(entries)).encode()


def test_a_pk_that_is_given(store):
    text = blueprint(stage("a", identifiers=f"{{pk: {PKS[1]}}}", attrs="{name: a}"))
    assert actions(apply(store, text)) == ["created"]
    assert list(store.objects) == [PKS[1]]
    assert actions(apply(store, text.replace(b"name: a", b"name: b"))) == ["updated"]
    assert objects(store, DUMMY)[0]["name"] == "b"


def test_an_object_is_known_by_its_pk_or_else_by_the_other_identifiers(store):
    """As in authentik: what was exported here can be imported where its names are taken, and its references follow."""
    apply(store, WIRED)
    by_name = {members.get("name"): pk for pk, (_, members) in store.objects.items()}
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
    assert [members["name"] for members in objects(store, DUMMY)] == ["renamed"]
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
    assert [members["name"] for members in objects(store, DUMMY)] == ["a", "d", f"{pks[0]}-e", "g", "h"]
    assert outcome.logs[1]["event"] == f"4:3: {DUMMY}: skipped (its conditions do not hold)"
    assert outcome.logs[6]["event"] == f"9:3: {DUMMY}: created (its permissions are ignored)"
    assert outcome.logs[8]["event"].endswith(": skipped (each blueprint is applied by itself here)")


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


FIRST = stage("first", id="first")
UNKNOWN = f'Invalid pk "{PKS[1]}" - object does not exist.'


@pytest.mark.parametrize(
    ("entries", "mistakes"),
    [
        ("- {model: §a.b, identifiers: {name: a}}", ["There is no model 'a.b' here."]),
        ("- {model: §[], identifiers: {name: a}}", ["There is no model [] here."]),
        ("- {model: §!KeyOf nope}", ["No entry above has the id 'nope' and an object."]),
        (stage("a", state="§gone"), ["The state is one of present, created, must_created, absent."]),
        (stage("a", identifiers="§{}"), ["An entry has identifiers, by which its object is known."]),
        (f"- §model: {DUMMY}", ["An entry has identifiers, by which its object is known."]),
        (stage("a", identifiers="§[name]"), ["The identifiers are a mapping."]),
        (stage("a", attrs="§!Context [x, [1]]"), ["The attributes are a mapping."]),
        (stage("a", conditions="§true"), ["The conditions are a list."]),
        (stage("a", identifiers="{nope: §a}"), [f"nope: {DUMMY} has no such member."]),
        (stage("a", identifiers="{name: §[a]}"), ["name: No object is known by a list or a mapping."]),
        (stage("a", identifiers="{name: §5}"), ["name: Not a valid str."]),
        (stage("a", identifiers="{pk: §5, name: a}"), ["pk: A pk is a UUID."]),
        ("- §" + stage("a", identifiers=f"{{pk: {PKS[1]}}}")[2:], ["name: This field is required."]),
        (stage("a", attrs="{throw_error: §'yes'}"), ["throw_error: Not a valid bool."]),
        (
            stage("a", model=PROMPT_STAGE, identifiers=f"{{pk: {PKS[1]}, name: §first}}", attrs="{fields: []}"),
            ["name: Another object has the same name already."],
        ),
        (stage("a", model=PROMPT_STAGE, attrs="§{}"), ["fields: This field is required."]),
        (stage("a", model=PROMPT_STAGE, attrs=f"{{fields: §[{PKS[1]}]}}"), [f"fields: {UNKNOWN}"]),
        (
            stage("a", model=PROMPT_STAGE, attrs="{fields: [§!KeyOf later]}") + stage("b", id="later"),
            ["No entry above has the id 'later' and an object."],
        ),
        (stage("a", attrs="{throw_error: §!Find [a.b, [c, d]]}"), ["There is no model 'a.b' here."]),
        (stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [c, d]]}}"), [f"{DUMMY} has no member 'c'."]),
        (
            stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [name, [d]]]}}"),
            ["No object is found by a list or a mapping."],
        ),
        (stage("a", attrs=f"{{throw_error: §!Find [{DUMMY}, [name, 5]]}}"), ["name: Not a valid str."]),
        (
            f"- identifiers:\n    slug: b\n  model: {FLOW}\n  attrs:\n    §title: §5\n    designation: §nope",
            [
                "name: This field is required.",
                "title: Not a valid str.",
                'designation: "nope" is not a valid choice.',
            ],
        ),
        (
            f"- model: {STAGE_BINDING}\n  identifiers: {{target: §{PKS[1]}, stage: !KeyOf first, order: 0}}",
            [f"target: {UNKNOWN}"],
        ),
        (
            f"- model: {STAGE_BINDING}\n  identifiers: {{target: a, stage: b, order: 0}}\n  attrs: §{{re_evaluate_policies: no}}",
            ["non_field_errors: Either evaluation must be enabled"],
        ),
    ],
)
def test_entries_that_are_wrong(store, entries, mistakes):
    outcome = apply(store, blueprint(FIRST, entries.replace("§", "")))
    lines = [f"{line}:{column}: {text}" for (line, column), text in zip(marks(entries, 4), mistakes, strict=True)]
    assert said(outcome) == lines
    assert store.objects == {}
    assert actions(outcome)[:2] == ["skipped", "error"]
    assert outcome.logs[0]["event"] == f"3:3: {DUMMY}: skipped (entry 2 is wrong, so that nothing is changed)"
    assert outcome.logs[1]["event"] == "\n".join(lines)
    assert outcome.logs[1]["log_level"] == "error"


def marks(text, first_line):
    """Line and column of each mark in a text."""
    for number, line in enumerate(text.splitlines(), first_line):
        for before in itertools.accumulate(line.split("§")[:-1]):
            yield number, len(before) + 1


def test_a_reference_to_an_object_of_another_kind(store):
    (line,) = said(apply(store, blueprint(FIRST, stage("a", model=PROMPT_STAGE, attrs="{fields: [!KeyOf first]}"))))
    assert re.fullmatch(r'4:\d+: fields: Invalid pk "[0-9a-f-]{36}" - object does not exist\.', line)


def test_an_error_as_it_is_logged(store):
    (log,) = apply(store, A_FLOW.replace(b"stage_configuration", b"nope")).logs
    assert log["event"] == '10:18: designation: "nope" is not a valid choice.'
    assert log["attributes"] == {
        "action": "error",
        "entry": 1,
        "id": "flow",
        "model": "authentik_flows.flow",
        "line": 3,
        "column": 3,
        "errors": [
            {"line": 10, "column": 18, "member": "designation", "message": '"nope" is not a valid choice.'},
        ],
    }


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"version: 2\n", ["Invalid blueprint version"]),
        (b"", ["1:1: The file is empty."]),
        (b"foo: [bar\n", ["2:1: This is not valid YAML: while parsing a flow sequence did not find expected ',' or ']'."]),
        (b"entries:\n- {}\n- 1\n", ["2:3: The entry has no model.", "3:3: An entry is a mapping."]),
        (b"a: !Nope b", ["1:4: The tag !Nope is not known."]),
    ],
)  # fmt: skip
def test_text_that_is_no_blueprint(store, text, events):
    outcome = apply(store, text)
    assert (outcome.success, [log["event"] for log in outcome.logs]) == (False, events)
    assert all(log["attributes"]["errors"] for log in outcome.logs)


@pytest.mark.parametrize("text", [b"- a\n- b\n", b"hello", b"version: 1\nentries: []\n"])
def test_text_that_asks_for_nothing(store, text):
    store.available = False
    outcome = apply(store, text)
    assert (outcome.success, outcome.logs) == (True, [])


def test_a_database_that_is_not_available(store):
    store.available = False
    with pytest.raises(Unavailable):
        apply(store, A_FLOW)


BAD = {
    "reading": "- identifiers: {name: x}\n",
    "model": "- {model: nope, identifiers: {name: x}}\n",
    "attributes": stage("x", attrs="{throw_error: 1}"),
    "reference": stage("x", model=PROMPT_STAGE, attrs=f"{{fields: [{PKS[9]}]}}"),
    "tag": stage("x", attrs="!KeyOf nobody"),
    "state": stage("s0", state="must_created"),
}


@given(st.sampled_from(sorted(BAD)), st.integers(0, 6), st.booleans())
def test_one_bad_entry_anywhere_changes_nothing(kind, position, existing):
    store = MemoryStore()
    good = [
        stage("s0", attrs="{throw_error: true}"),
        stage("s1"),
        stage("s2", state="created"),
        stage("s3", attrs="{throw_error: true}"),
        stage("s4", state="absent"),
        stage("s5"),
    ]
    if existing or kind == "state":
        apply(store, blueprint(stage("s0"), stage("s4")))
    before = copy.deepcopy(store.objects)
    entries = [*good[:position], BAD[kind], *good[position:]]
    outcome = apply(store, blueprint(*entries))
    assert not outcome.success
    assert store.objects == before
    assert {mistake.place.line for mistake in outcome.mistakes} == {position + 3}
    assert apply(store, blueprint(*good)).success
